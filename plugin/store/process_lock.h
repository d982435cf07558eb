// One thread of this process at a time, also where two copies of this library are loaded. Copies
// share nothing that they could find, but the process's own directory in /proc: a flock on it.
// Where there is none, nothing is locked.
#pragma once

#include "plugin/base/unique_fd.h"
#include "plugin/store/write_lock.h"

namespace aimlog {

class ProcessLock {
 public:
  ProcessLock() : fd_(::open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    while (fd_ && ::flock(fd_.get(), LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~ProcessLock() { unlock_file(fd_.get()); }
  ProcessLock(const ProcessLock&) = delete;
  ProcessLock& operator=(const ProcessLock&) = delete;

 private:
  UniqueFd fd_;
};

}  // namespace aimlog

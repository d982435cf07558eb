// A flock that is waited for, but not for ever: whoever holds it may be stopped.
#pragma once

#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "plugin/base/lock_fd.h"
#include "plugin/store/write_lock.h"

namespace aimlog {

class TimedLock {
 public:
  // `operation`: LOCK_SH or LOCK_EX. Without a file nothing is locked.
  TimedLock(LockFd fd, int operation, std::chrono::milliseconds patience) : fd_(std::move(fd)) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (fd_ && ::flock(fd_.get(), operation | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno != EWOULDBLOCK) {
        error_number_ = errno;
        return;
      }
      if (std::chrono::steady_clock::now() > deadline) {
        is_late_ = true;
        return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  // By name, in case that a child was made without the fork handlers and keeps a copy.
  ~TimedLock() { unlock_file(fd_.get()); }
  TimedLock(const TimedLock&) = delete;
  TimedLock& operator=(const TimedLock&) = delete;

  // Somebody else held it all the time.
  bool is_late() const { return is_late_; }
  // Not 0 on a file system without such locks: then nothing is locked.
  int error_number() const { return error_number_; }

 private:
  LockFd fd_;
  bool is_late_ = false;
  int error_number_ = 0;
};

}  // namespace aimlog

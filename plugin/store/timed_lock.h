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

// 0 where it was locked; EWOULDBLOCK if somebody else held it all the time; else why it cannot be.
inline int lock_within(int fd, int operation, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (::flock(fd, operation | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK || std::chrono::steady_clock::now() > deadline) return errno;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return 0;
}

class TimedLock {
 public:
  // `operation`: LOCK_SH or LOCK_EX. Without a file nothing is locked.
  TimedLock(LockFd fd, int operation, std::chrono::milliseconds patience) : fd_(std::move(fd)) {
    if (fd_) result_ = lock_within(fd_.get(), operation, patience);
  }
  // By name, in case that a child was made without the fork handlers and keeps a copy.
  ~TimedLock() { unlock_file(fd_.get()); }
  TimedLock(const TimedLock&) = delete;
  TimedLock& operator=(const TimedLock&) = delete;

  // Somebody else held it all the time.
  bool is_late() const { return result_ == EWOULDBLOCK; }
  // Not 0 on a file system without such locks: then nothing is locked.
  int error_number() const { return is_late() ? 0 : result_; }

 private:
  LockFd fd_;
  int result_ = 0;
};

}  // namespace aimlog

// The repo's write lock: flock on a file of its own around every write transaction. LMDB's own lock
// identifies owners by process id, which two containers on one machine can share.
#pragma once

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <filesystem>

#include "plugin/base/error.h"
#include "plugin/base/lock_fd.h"

namespace aimlog {

inline LockFd open_lock_file(const std::filesystem::path& file) {
  LockFd fd = LockFd::open(file, O_RDWR | O_CREAT, 0664);
  if (!fd) throw system_error("cannot open " + file.string() + " to write to the repo", errno);
  return fd;
}

// `operation` as of flock(2); waits. Released by flock(LOCK_UN) and not by closing, for a child
// that was made without the fork handlers may hold a copy of the descriptor.
inline void lock_file(int fd, int operation, const std::filesystem::path& file) {
  while (::flock(fd, operation) != 0) {
    if (errno != EINTR) throw system_error("cannot lock " + file.string(), errno);
  }
}

inline void unlock_file(int fd) noexcept {
  if (fd >= 0) ::flock(fd, LOCK_UN);
}

}  // namespace aimlog

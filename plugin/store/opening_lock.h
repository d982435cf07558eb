// One process at a time makes LMDB open a repo. LMDB's first one sets up the table in lock.mdb
// while later ones wait for it; if it then fails, or is killed, they go on with a table that is not
// set up, in which the newest commit has number 0. Who waits here instead becomes a first one
// itself.
#pragma once

#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <thread>

#include "plugin/base/error.h"
#include "plugin/base/unique_fd.h"
#include "plugin/store/write_lock.h"

namespace aimlog {

// A flock on the repo's directory, which needs no right to write and makes no file. It is held for
// the moment that mdb_env_open takes. Throws Error(busy) if somebody else holds it much longer.
class OpeningLock {
 public:
  explicit OpeningLock(const std::filesystem::path& root)
      : fd_(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (fd_ && ::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno != EWOULDBLOCK) return;  // a file system without: LMDB's own lock has to do
      if (std::chrono::steady_clock::now() > deadline) {
        throw Error(ErrorCode::busy,
                    "another process has been opening " + root.string() +
                        " for 10 s: if it is stopped, let it go on or end it, then try again");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  ~OpeningLock() { unlock_file(fd_.get()); }
  OpeningLock(const OpeningLock&) = delete;
  OpeningLock& operator=(const OpeningLock&) = delete;

 private:
  UniqueFd fd_;
};

}  // namespace aimlog

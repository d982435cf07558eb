// One process at a time makes LMDB open a repo. LMDB's first one sets up the table in lock.mdb
// while later ones wait for it; if it then fails, or is killed, they go on with a table that is not
// set up, in which the newest commit has number 0. Who waits here instead becomes a first one
// itself.
#pragma once

#include <fcntl.h>
#include <lmdb.h>

#include <chrono>
#include <exception>
#include <filesystem>
#include <optional>

#include "plugin/base/error.h"
#include "plugin/store/timed_lock.h"

namespace aimlog {

// A flock on the repo's directory, which needs no right to write and makes no file. It is held for
// the moment that mdb_env_open takes. Throws Error(busy) if somebody else holds it for longer than
// `patience`; on a file system without such locks LMDB's own has to do.
class OpeningLock {
 public:
  explicit OpeningLock(const std::filesystem::path& root,
                       std::chrono::milliseconds patience = std::chrono::seconds(10))
      : lock_(LockFd::open(root, O_RDONLY | O_DIRECTORY), LOCK_EX, patience) {
    if (!lock_.is_late()) return;
    throw Error(ErrorCode::busy,
                "another process has been opening " + root.string() +
                    " all the time: if it is stopped, let it go on or end it, then try again");
  }

 private:
  TimedLock lock_;
};

// From LMDB 0.9.26 to 0.9.31 who closes last takes the mutexes away from one who opens meanwhile.
// Somebody who has been opening it for long may be stopped: he is not waited for.
inline void close_beside_openers(MDB_env* env, const std::filesystem::path& root) noexcept {
  std::optional<OpeningLock> lock;
  try {
    lock.emplace(root, std::chrono::milliseconds(300));
  } catch (const std::exception&) {
  }
  mdb_env_close(env);
}

}  // namespace aimlog

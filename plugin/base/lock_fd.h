// Owns the descriptor of a flock, of which no forked child keeps a copy: the copy would hold the
// lock after this process has died, or has closed its own.
#pragma once

#include <fcntl.h>

#include <cstdint>
#include <filesystem>
#include <memory>

#include "plugin/base/unique_fd.h"

namespace aimlog {

class LockFd {
 public:
  LockFd() = default;
  // `open` returns a UniqueFd. It is called again where a fork came before the descriptor was in
  // the list of those that children close. Empty if it returns an empty one.
  template <typename Open>
  explicit LockFd(const Open& open) {
    bool listed = false;
    while (!listed) {
      const uint64_t forks = forks_begun();
      listed = enlist(open(), forks);
    }
  }

  // The file at `path`; empty where it cannot be opened, with errno as open(2) leaves it.
  static LockFd open(const std::filesystem::path& path, int flags, mode_t mode = 0666) {
    return LockFd([&] { return UniqueFd(::open(path.c_str(), flags | O_CLOEXEC, mode)); });
  }

  int get() const { return entry_ ? fd_of(*entry_) : -1; }
  explicit operator bool() const { return get() >= 0; }
  // Closes it and does nothing else, so that a fork handler may call this. A lock is given up by
  // name (LOCK_UN) before.
  void reset() noexcept;

  // Registers the fork handlers. Whoever registers one that uses a LockFd in the child calls this
  // first: handlers run there in the order of registration, and ours leaves every LockFd empty.
  static void watch_forks();

 private:
  struct Entry;
  struct Delete {
    void operator()(Entry* entry) const noexcept;
  };
  friend struct LockFdList;

  static uint64_t forks_begun();
  static int fd_of(const Entry& entry);
  // False if there was a fork since `forks` was read: then it is closed again.
  bool enlist(UniqueFd fd, uint64_t forks);

  std::unique_ptr<Entry, Delete> entry_;
};

}  // namespace aimlog

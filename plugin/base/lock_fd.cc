#include "plugin/base/lock_fd.h"

#include <pthread.h>

#include <mutex>

#include "plugin/base/error.h"

namespace aimlog {

struct LockFd::Entry {
  UniqueFd fd;
  Entry* before = nullptr;
  Entry* next = nullptr;
};

// All that are open. The handlers hold the mutex over fork(), so that the child finds the list
// whole.
struct LockFdList {
  std::mutex mutex;
  LockFd::Entry* first = nullptr;
  uint64_t forks = 0;

  void add(LockFd::Entry& entry) {
    entry.next = first;
    if (first != nullptr) first->before = &entry;
    first = &entry;
  }
  void remove(LockFd::Entry& entry) {
    if (entry.next != nullptr) entry.next->before = entry.before;
    (entry.before != nullptr ? entry.before->next : first) = entry.next;
  }
  // Closes and stores to memory, which is all that is allowed in a child of many threads.
  void close_all() {
    for (LockFd::Entry* entry = first; entry != nullptr; entry = entry->next) entry->fd.reset();
  }
};

namespace {

LockFdList open_locks;

}  // namespace

// glibc takes the handlers back when the library is unloaded.
void LockFd::watch_forks() {
  static const int result = pthread_atfork(
      [] {
        open_locks.mutex.lock();
        ++open_locks.forks;
      },
      [] { open_locks.mutex.unlock(); },
      [] {
        open_locks.close_all();
        open_locks.mutex.unlock();
      });
  if (result != 0) throw system_error("cannot register a fork handler", result);
}

uint64_t LockFd::forks_begun() {
  watch_forks();
  const std::lock_guard lock(open_locks.mutex);
  return open_locks.forks;
}

void LockFd::reset() noexcept {
  if (entry_) entry_->fd.reset();
}

int LockFd::fd_of(const Entry& entry) { return entry.fd.get(); }

bool LockFd::enlist(UniqueFd fd, uint64_t forks) {
  if (!fd) return true;
  entry_.reset(new Entry{std::move(fd)});
  const std::lock_guard lock(open_locks.mutex);
  open_locks.add(*entry_);
  return open_locks.forks == forks;
}

void LockFd::Delete::operator()(Entry* entry) const noexcept {
  {
    const std::lock_guard lock(open_locks.mutex);
    open_locks.remove(*entry);
  }
  delete entry;
}

}  // namespace aimlog

#include "plugin/adapter/fork_guard.h"

#include <pthread.h>
#include <sys/mman.h>

#include <cerrno>
#include <mutex>

#include "plugin/base/error.h"
#include "plugin/base/lock_fd.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

namespace aimlog {
namespace {

constexpr size_t page_bytes = 4096;

// Held over fork() by the handlers, so that the child finds the list whole.
std::mutex guards_mutex;
ForkGuard* guards = nullptr;

}  // namespace

void run_child_handlers() {
  for (ForkGuard* guard = guards; guard != nullptr; guard = guard->next_) {
    *guard->page_ = 0;  // where the kernel is too old to have done it
    guard->in_child_();
  }
  guards = nullptr;  // none of them is a child's own, whose children are to be told of those only
}

namespace {

// glibc takes the handlers back when the library is unloaded.
void register_handlers() {
  LockFd::watch_forks();
  static const int result =
      pthread_atfork([] { guards_mutex.lock(); }, [] { guards_mutex.unlock(); },
                     [] {
                       run_child_handlers();
                       guards_mutex.unlock();
                     });
  if (result != 0) throw system_error("cannot register a fork handler", result);
}

}  // namespace

ForkGuard::ForkGuard(std::function<void()> in_child) : in_child_(std::move(in_child)) {
  register_handlers();
  void* page =
      mmap(nullptr, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) throw system_error("cannot map a page", errno);
  madvise(page, page_bytes, MADV_WIPEONFORK);
  page_ = static_cast<volatile unsigned char*>(page);
  *page_ = 1;
  const std::lock_guard lock(guards_mutex);
  next_ = guards;
  guards = this;
}

ForkGuard::~ForkGuard() {
  {
    const std::lock_guard lock(guards_mutex);
    ForkGuard** place = &guards;
    while (*place != nullptr && *place != this) place = &(*place)->next_;
    if (*place == this) *place = next_;  // in a child the parent's are not in the list
  }
  munmap(const_cast<unsigned char*>(page_), page_bytes);
}

}  // namespace aimlog

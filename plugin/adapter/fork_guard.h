// Tells a forked child that it is one. The check on the hot road is a load, no system call.
#pragma once

#include <functional>

namespace aimlog {

// A page that the kernel empties in every child (MADV_WIPEONFORK), and a handler that runs in
// children of fork(3), where it closes what would keep the parent's locks alive after the parent's
// death.
class ForkGuard {
 public:
  // `in_child` runs once in each forked child, on its only thread; it may close descriptors and
  // store to memory, nothing else.
  explicit ForkGuard(std::function<void()> in_child);
  ~ForkGuard();
  ForkGuard(const ForkGuard&) = delete;
  ForkGuard& operator=(const ForkGuard&) = delete;

  bool is_child() const noexcept { return *page_ == 0; }

 private:
  friend void run_child_handlers();
  std::function<void()> in_child_;
  volatile unsigned char* page_;
  ForkGuard* next_ = nullptr;  // in the list of all guards
};

}  // namespace aimlog

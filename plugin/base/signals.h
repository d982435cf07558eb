// Signals belong to the host: no thread of ours takes one, and no call of ours brings one about.
#pragma once

#include <signal.h>

namespace aimlog {

// While it lives this thread takes no signals; threads that it makes never do, for they take over
// the mask of who makes them.
class SignalsBlocked {
 public:
  SignalsBlocked() noexcept {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

// While it lives a file that would grow beyond the limit of the process (`ulimit -f`) is an error
// of the call, EFBIG, and not a signal that ends the process.
class FileSizeSignalBlocked {
 public:
  FileSizeSignalBlocked() noexcept {
    sigemptyset(&file_size_);
    sigaddset(&file_size_, SIGXFSZ);
    sigset_t pending;
    ::sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGXFSZ) == 1;
    ::pthread_sigmask(SIG_BLOCK, &file_size_, &before_);
  }
  ~FileSizeSignalBlocked() {
    constexpr timespec at_once{};
    if (!was_pending_) {
      while (::sigtimedwait(&file_size_, nullptr, &at_once) > 0) {
      }
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  FileSizeSignalBlocked(const FileSizeSignalBlocked&) = delete;
  FileSizeSignalBlocked& operator=(const FileSizeSignalBlocked&) = delete;

 private:
  sigset_t file_size_;
  sigset_t before_;
  bool was_pending_ = false;  // one that is the host's own
};

}  // namespace aimlog

// A disk that is full, for files of the test's own process.
#pragma once

#include <sys/resource.h>

#include <csignal>
#include <cstdint>

namespace aimlog::test {

// The process's limit on the size of files, so that LMDB cannot write what a commit needs.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(uint64_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace aimlog::test

// A disk that is full, for files of the test's own process.
#pragma once

#include <sys/resource.h>

#include <cstdint>

namespace aimlog::test {

// Files of the process end there. A thread that takes SIGXFSZ at its default ends the process.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(uint64_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace aimlog::test

#include "tests/crash/block_log.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>

namespace crash {

struct BlockLog::Header {
  std::uint64_t magic;
  std::uint64_t version;
  std::atomic<std::uint64_t> count;
};

BlockLog::BlockLog(const std::string& path) {
  if (path.empty()) return;
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw std::system_error(errno, std::generic_category(), path);
  void* memory = ::mmap(nullptr, sizeof(Header), PROT_READ, MAP_SHARED, file, 0);
  ::close(file);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), path);
  header_ = static_cast<Header*>(memory);
}

BlockLog::~BlockLog() {
  if (is_open()) ::munmap(header_, sizeof(Header));
}

std::uint32_t BlockLog::entries() const {
  return static_cast<std::uint32_t>(header_->count.load());
}

}  // namespace crash

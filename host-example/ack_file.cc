// SPDX-License-Identifier: Apache-2.0
#include "host-example/ack_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace example {

struct AckFile::Header {
  char magic[8];
  std::uint32_t version;
  std::uint32_t record_bytes;
  std::atomic<std::uint64_t> count;
  std::uint64_t capacity;
  char reserved[32];
};

namespace {

constexpr char ack_magic[8] = {'T', 'U', 'N', 'E', 'R', 'A', 'C', 'K'};
constexpr std::uint64_t capacity = 1u << 20;
constexpr std::size_t header_bytes = 64;
constexpr std::size_t file_bytes = header_bytes + capacity * sizeof(Acknowledged);

}  // namespace

AckFile::AckFile(const std::string& path) {
  static_assert(sizeof(Header) == header_bytes);
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  // The file has holes where no record is yet.
  if (fd < 0 || ::ftruncate(fd, static_cast<off_t>(file_bytes)) != 0) {
    const int problem = errno;
    if (fd >= 0) ::close(fd);
    throw std::system_error(problem, std::generic_category(), "cannot open " + path);
  }
  void* memory = ::mmap(nullptr, file_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  const int problem = errno;
  ::close(fd);
  if (memory == MAP_FAILED) {
    throw std::system_error(problem, std::generic_category(), "cannot map " + path);
  }
  header_ = static_cast<Header*>(memory);
  records_ = reinterpret_cast<Acknowledged*>(static_cast<char*>(memory) + header_bytes);
  if (header_->version == 0) {
    header_->record_bytes = sizeof(Acknowledged);
    header_->capacity = capacity;
    std::memcpy(header_->magic, ack_magic, sizeof(ack_magic));
    header_->version = 1;
  }
  const std::uint64_t count = header_->count.load();
  if (std::memcmp(header_->magic, ack_magic, sizeof(ack_magic)) != 0 || count > capacity) {
    ::munmap(memory, file_bytes);
    throw std::runtime_error(path + " is no list of acknowledged results");
  }
  if (count > 0) process_ = records_[count - 1].process + 1;
}

AckFile::~AckFile() { ::munmap(header_, file_bytes); }

void AckFile::add(Acknowledged record) {
  const std::uint64_t count = header_->count.load(std::memory_order_relaxed);
  if (count >= capacity) return;
  record.process = process_;
  records_[count] = record;
  header_->count.store(count + 1, std::memory_order_release);
}

}  // namespace example

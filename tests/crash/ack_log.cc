#include "tests/crash/ack_log.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "abi/include/tuner_plugin.h"

namespace crash {
namespace {

constexpr std::uint64_t capacity = 4'000'000;
constexpr std::size_t records_at = 64;
constexpr std::size_t file_bytes = records_at + capacity * sizeof(Record);

}  // namespace

struct AckLog::Header {
  char magic[8];
  std::uint32_t version;
  std::uint32_t record_bytes;
  std::atomic<std::uint64_t> count;
  std::uint32_t processes;
  std::int32_t child;
};

AckLog::AckLog(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0 || ::ftruncate(file, file_bytes) != 0) {
    throw std::system_error(errno, std::generic_category(), path);
  }
  void* memory = ::mmap(nullptr, file_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), path);
  header_ = static_cast<Header*>(memory);
  records_ = reinterpret_cast<Record*>(static_cast<char*>(memory) + records_at);
  std::memcpy(header_->magic, "CRASHACK", sizeof(header_->magic));
  header_->version = 1;
  header_->record_bytes = sizeof(Record);
  process_ = ++header_->processes;
}

AckLog::~AckLog() { ::munmap(header_, file_bytes); }

std::uint64_t AckLog::count() const { return header_->count.load(); }

void AckLog::set_child(std::int32_t pid) { header_->child = pid; }

Record& AckLog::begin(const Record& record) {
  const std::uint64_t index = header_->count.load();
  if (index >= capacity) throw std::runtime_error("the list of acknowledged results is full");
  records_[index] = record;
  records_[index].process = process_;
  header_->count.store(index + 1);
  return records_[index];
}

void AckLog::end(Record& record, std::int32_t status, std::uint64_t took_ns) {
  record.took_ns = took_ns;
  record.status = status;
  const Answer answer = status == TUNER_OK            ? Answer::acknowledged
                        : status == TUNER_NOT_DURABLE ? Answer::not_durable
                                                      : Answer::refused;
  std::atomic_ref<Answer>(record.answer).store(answer);
}

}  // namespace crash

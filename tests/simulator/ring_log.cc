#include "tests/simulator/ring_log.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "plugin/journal/ring_format.h"
#include "tests/simulator/fault.h"
#include "tests/simulator/page_store.h"

namespace aimlog::sim {

ByteView Record::payload() const {
  RingRecordHead head;
  std::memcpy(&head, bytes.data(), sizeof head);
  return ByteView(bytes).substr(sizeof head, head.length);
}

RingLog::RingLog(const std::filesystem::path& path, uint64_t data_bytes) : data_bytes_(data_bytes) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  void* address = ::mmap(nullptr, data_bytes, PROT_READ, MAP_SHARED, fd, ring_header_bytes);
  ::close(fd);
  if (address == MAP_FAILED) throw std::runtime_error("cannot map " + path.string());
  data_ = static_cast<const char*>(address);
}

RingLog::~RingLog() { ::munmap(const_cast<char*>(data_), data_bytes_); }

void RingLog::follow(uint64_t published) {
  while (next_ < published) {
    const uint64_t place = next_ % data_bytes_;
    const uint64_t room = data_bytes_ - place;
    RingRecordHead head;
    if (room >= sizeof head) std::memcpy(&head, data_ + place, sizeof head);
    if (room < sizeof head || (head.flags & ring_flag_wrap) != 0) {
      next_ += room;
      continue;
    }
    Record record;
    record.sequence = head.sequence;
    record.offset = next_;
    record.size = ring_record_bytes(head.length);
    record.type = static_cast<EventType>(head.type);
    expect(record.size <= room && head.sequence == records.size() + 1, "RecordsFollowEachOther",
           "record " + std::to_string(records.size() + 1));
    record.bytes.assign(data_ + place, record.size);
    next_ += record.size;
    records.push_back(std::move(record));
  }
}

void RingLog::acknowledge() {
  for (auto record = records.rbegin(); record != records.rend() && !record->acknowledged; ++record)
    record->acknowledged = true;
}

void RingLog::remember() {
  if (earlier_.size() < 3) earlier_.push_back(bytes());
}

std::string RingLog::bytes() const { return {data_, data_bytes_}; }

void RingLog::copy_to(std::string& area) const { std::memcpy(area.data(), data_, area.size()); }

std::string RingLog::cut(const std::string& now, Random& random) const {
  const uint64_t kind = random.below(4);
  if (kind == 0 || durable_) return now;
  if (kind == 1) return std::string(data_bytes_, '\0');
  std::string area = now;
  const uint64_t step = kind == 2 ? page_bytes : sector_bytes;
  for (uint64_t at = 0; at < data_bytes_; at += step) {
    const uint64_t version = random.below(earlier_.size() + 3);
    if (version > earlier_.size()) continue;  // the newest
    if (version == earlier_.size())
      area.replace(at, step, step, '\0');
    else
      area.replace(at, step, earlier_[version], at, step);
  }
  return area;
}

// The bytes that fill the record up to its size mean nothing.
bool RingLog::holds(const Record& record, const std::string& area) const {
  const size_t count = sizeof(RingRecordHead) + record.payload().size();
  return area.compare(record.offset % data_bytes_, count, record.bytes, 0, count) == 0;
}

void RingLog::settle(uint64_t applied, const std::string& area) {
  for (Record& record : records) {
    if (record.sequence > applied) record.stands = holds(record, area);
  }
}

uint64_t RingLog::missing_between() const {
  uint64_t missing = 0;
  uint64_t gone = 0;
  for (const Record& record : records) {
    if (!record.stands) ++gone;
    if (record.stands) missing += std::exchange(gone, 0);
  }
  return missing;
}

}  // namespace aimlog::sim

// Every record that was published into one ring, kept outside of it, and which of them still stand
// in the ring's bytes.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "plugin/base/bytes.h"
#include "plugin/model/event.h"
#include "plugin/model/ids.h"
#include "tests/simulator/random.h"

namespace aimlog::sim {

struct Record {
  uint64_t sequence = 0;
  uint64_t offset = 0;  // of the stream
  uint64_t size = 0;
  EventType type = EventType::session;
  Bytes bytes;  // as they stand in the ring, head first
  bool acknowledged = false;
  bool stands = true;  // is in the store, or can be read from the ring

  ByteView payload() const;
};

class RingLog {
 public:
  RingLog(const std::filesystem::path& path, uint64_t data_bytes);
  ~RingLog();
  RingLog(const RingLog&) = delete;
  RingLog& operator=(const RingLog&) = delete;

  // Takes note of the records up to this place of the stream.
  void follow(uint64_t published);
  void acknowledge();
  // Keeps the ring's bytes as they are: what the disk may hold of each page after a power cut.
  void remember();
  std::string bytes() const;
  void copy_to(std::string& area) const;  // of the ring's size; allocates nothing

  // The data area after a power cut, when it is `now` in memory.
  std::string cut(const std::string& now, Random& random) const;
  // The power was cut: what is in the file now is on the disk.
  void became_durable() { durable_ = true; }

  // Notes which records stand, when the store has applied all up to `applied` and the ring holds
  // these bytes.
  void settle(uint64_t applied, const std::string& area);
  // Records that nobody can read any more, before the last one that somebody can.
  uint64_t missing_between() const;
  bool holds(const Record& record, const std::string& area) const;

  std::vector<Record> records;

 private:
  const char* data_;
  const uint64_t data_bytes_;
  uint64_t next_ = 0;
  std::vector<std::string> earlier_;  // bytes of the ring at earlier times
  bool durable_ = false;
};

}  // namespace aimlog::sim

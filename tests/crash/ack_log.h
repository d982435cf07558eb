// What a host of the crash tests told its plugin and what the plugin said to it, in memory shared
// with a file: it is still there after the host was killed.
//
// Layout, little-endian; crash_support.py reads it:
//   offset  0  8 bytes  magic "CRASHACK"
//   offset  8  u32      version, 1
//   offset 12  u32      bytes of a record, 64
//   offset 16  u64      count of records begun
//   offset 24  u32      processes that opened the file
//   offset 28  i32      process id of a forked child; 0 = none
//   offset 64 + 64*i    record i
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace crash {

enum class Kind : std::uint32_t { setup = 1, start = 2, result = 3, complete = 4 };
enum class Answer : std::uint32_t {
  none = 0,          // the call did not return
  acknowledged = 1,  // TUNER_OK
  refused = 2,       // any other status
  not_durable = 3,   // recorded, said to be not durable
};

struct Record {
  Kind kind;
  Answer answer;  // stored last
  std::uint32_t job;
  std::uint32_t process;  // from 1
  std::uint32_t trial;
  std::uint32_t attempt;  // the host's own count of the trial's starts
  std::int64_t step;
  std::uint64_t value_bits;  // unique among all results
  std::uint64_t took_ns;
  std::int32_t status;
  // Of a disk whose writes are logged, taken after the call: how many of this process's answered
  // events a commit covers at least, when that was, and then how many entries that log has.
  std::uint32_t durable_events = 0;
  std::uint32_t block_entries = 0;
  std::uint32_t answered_ms = 0;  // of the monotonic clock
};
static_assert(sizeof(Record) == 64);

// One process at a time.
class AckLog {
 public:
  explicit AckLog(const std::string& path);
  ~AckLog();
  AckLog(const AckLog&) = delete;
  AckLog& operator=(const AckLog&) = delete;

  std::uint64_t count() const;
  const Record& at(std::uint64_t index) const { return records_[index]; }
  std::uint32_t process() const { return process_; }
  void set_child(std::int32_t pid);

  // Before the call; the record counts as begun from then on.
  Record& begin(const Record& record);
  // After it.
  void end(Record& record, std::int32_t status, std::uint64_t took_ns);

 private:
  struct Header;
  Header* header_;
  Record* records_;
  std::uint32_t process_;
};

}  // namespace crash

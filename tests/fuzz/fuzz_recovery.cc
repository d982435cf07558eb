// Bytes as the journals that dead writers left in a repo: ring files with good and bad headers, cut
// short, with records that are whole and bytes between them. What is whole is replayed, once; of
// all else is told.
#include <fcntl.h>
#include <unistd.h>

#include "plugin/base/error.h"
#include "plugin/base/file.h"
#include "plugin/commit/recovery.h"
#include "plugin/journal/ring.h"
#include "plugin/journal/ring_format.h"
#include "plugin/journal/ring_scan.h"
#include "tests/fuzz/fuzz_events.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_store.h"
#include "tests/fuzz/look_at_runs.h"

namespace {

using namespace aimlog;
using test::expect;
using test::FuzzInput;

class DeadWriter {
 public:
  DeadWriter(FuzzInput& input, unsigned number) : id_{static_cast<unsigned char>(number)} {
    data_ = make_ring_header(id_, ring_bytes_min);
    for (size_t count = input.below(24); count > 0 && !input.is_empty(); --count) add(input);
    if (input.below(16) == 0) break_header(input);
    if (input.below(16) == 0) cut(input.number<uint16_t>());
  }

  void write(const std::filesystem::path& directory) const {
    const std::filesystem::path path = directory / (to_hex(id_) + ".ring");
    const UniqueFd fd = open_file(path, O_RDWR | O_CREAT | O_TRUNC);
    write_all_at(fd.get(), data_, 0, path);
    const uint64_t size = was_cut_ ? data_.size() : ring_header_bytes + ring_bytes_min;
    expect(::ftruncate(fd.get(), static_cast<off_t>(size)) == 0, "ftruncate");
  }
  bool is_whole() const { return !is_damaged_; }
  uint64_t records() const { return sequence_; }

 private:
  void add(FuzzInput& input) {
    const uint8_t choice = input.byte();
    const size_t which = input.byte();
    const ByteView payload = input.text();
    if (data_.size() + payload.size() + 4096 > ring_header_bytes + ring_bytes_min) return;
    const auto type = static_cast<uint16_t>(choice % 13);
    switch (choice / 13) {
      case 0:  // bytes that are no record
        data_ += payload;
        data_.resize((data_.size() + 7) & ~size_t{7});
        is_damaged_ = is_damaged_ || !payload.empty();
        return;
      case 1:  // a hole in the numbers
        sequence_ += which;
        is_damaged_ = true;
        break;
      case 2:  // one that nobody finished, or that a disk lost
        append_record(type, 0, payload);
        data_[data_.size() - 8 - which % 16] ^= 1;
        is_damaged_ = !test::planted;
        return;
      default:
        break;
    }
    append_record(type, 0, test::made_to_meet(static_cast<EventType>(type), payload, which));
  }
  void append_record(uint16_t type, uint16_t flags, ByteView payload) {
    const uint64_t offset = data_.size() - ring_header_bytes;
    RingRecordHead head{0, static_cast<uint32_t>(payload.size()), type, flags, ++sequence_};
    Bytes record(ring_record_bytes(payload.size()), '\0');
    std::memcpy(record.data(), &head, sizeof head);
    std::memcpy(record.data() + sizeof head, payload.data(), payload.size());
    const auto* placed = reinterpret_cast<const RingRecordHead*>(record.data());
    head.commit = RingChecksum(id_).commit_word(placed, offset);
    std::memcpy(record.data(), &head, sizeof head);
    data_ += record;
  }
  void break_header(FuzzInput& input) {
    data_[input.byte() % sizeof(RingHeader)] ^= static_cast<char>(input.byte());
    is_damaged_ = true;
  }
  void cut(size_t bytes) {
    data_.resize(std::min(data_.size(), bytes));
    is_damaged_ = was_cut_ = true;
  }

  RingId id_;
  Bytes data_;
  uint64_t sequence_ = 0;
  bool is_damaged_ = false;
  bool was_cut_ = false;
};

void recover(FuzzInput& input, Environment& environment) {
  const std::filesystem::path journals = environment.paths().journals;
  uint64_t whole_records = 0;
  bool all_whole = true;
  for (unsigned number = 1; number <= 3 && !input.is_empty(); ++number) {
    const DeadWriter writer(input, number);
    writer.write(journals);
    all_whole = all_whole && writer.is_whole();
    whole_records += writer.records();
  }
  look_at_journals(journals, {});
  const WaitingEvents waiting = count_waiting_events(environment);
  const RecoveryReport report = recover_dead_journals(environment);
  expect(waiting.events == report.events_replayed, "what waits is replayed");
  expect(waiting.live_journals == 0, "no writer lives");
  if (all_whole) {
    expect(report.problems.empty() && report.records_lost == 0, "whole journals are no problem");
    expect(report.events_replayed == whole_records, "all records are replayed");
  }
  const RecoveryReport again = recover_dead_journals(environment);
  expect(again.events_replayed == 0, "records are replayed once");
  expect(again.problems.size() <= report.problems.size(), "no new problem");
  const Transaction txn(environment);
  test::look_at_runs(txn);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  test::prefer_memory();
  const test::TempDir directory;
  const auto environment = Environment::open(directory.path(), OpenMode::create);
  recover(input, *environment);
  return 0;
}

#include "plugin/journal/dead_ring.h"

#include <fcntl.h>
#include <sys/file.h>

#include <chrono>
#include <thread>

#include "plugin/base/crc32c.h"
#include "plugin/base/error.h"
#include "plugin/journal/ring_format.h"
#include "plugin/journal/ring_scan.h"
#include "tests/support/catch.h"
#include "tests/support/faulty_file.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/journal/ring_helpers.h"

using namespace aimlog;
using namespace aimlog::test;

namespace {

// Where record 1, 2, ... of ring_file_with() ends in the file.
std::vector<uint64_t> record_ends(uint64_t count, uint64_t longest = 200) {
  std::vector<uint64_t> ends;
  uint64_t at = ring_header_bytes;
  for (uint64_t i = 1; i <= count; ++i) {
    at += ring_record_bytes(numbered_payload(i, longest).size());
    ends.push_back(at);
  }
  return ends;
}

// Whether `read` is some of records 1, 2, ..., each as it was written.
bool only_true_records(const ReadBack& read, uint64_t longest = 200) {
  for (size_t i = 0; i < read.sequences.size(); ++i) {
    if (i > 0 && read.sequences[i] <= read.sequences[i - 1]) return false;
    if (read.payloads[i] != numbered_payload(read.sequences[i], longest)) return false;
  }
  return true;
}

ErrorCode error_of_open(const std::filesystem::path& path) {
  try {
    DeadRing::open(path);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::unknown;
}

// A ring of three and a half laps whose newest lap overlaps older ones; the last `left` records are
// not released.
struct Lapped {
  std::filesystem::path path;
  RingPosition released;
  uint64_t written = 0;
};
Lapped lapped_ring(const std::filesystem::path& directory, uint64_t left) {
  auto ring = Ring::create(directory, ring_bytes_min);
  Lapped result{ring->path(), {}, 0};
  RingRecord record;
  while (result.released.offset < ring_bytes_min * 7 / 2) {
    write_record(*ring, 1, numbered_payload(++result.written));
    if (result.written <= left) continue;
    REQUIRE(ring->read(result.released, record));
    result.released = record.end;
    ring->release(result.released);
  }
  return result;
}

}  // namespace

TEST_CASE("EveryTruncationKeepsTheRecordsBeforeIt") {
  TempDir dir;
  constexpr uint64_t count = 12;
  const Bytes whole = ring_file_with(dir.path(), count);
  const std::vector<uint64_t> ends = record_ends(count);
  uint64_t lengths = 0;
  for (uint64_t length = ring_header_bytes; length <= ends.back(); ++length, ++lengths) {
    const ReadBack read = read_bytes(dir / "cut.ring", ByteView(whole).substr(0, length));
    // Padding may be cut: the record before it is whole.
    uint64_t expected = 0;
    uint64_t at = ring_header_bytes;
    for (uint64_t i = 1; i <= count; ++i) {
      if (at + sizeof(RingRecordHead) + numbered_payload(i).size() > length) break;
      at = ends[i - 1];
      ++expected;
    }
    if (read.sequences.size() != expected || !only_true_records(read)) FAIL("length " << length);
    // A torn tail is no damage.
    if (read.damage.bytes_skipped != 0 || read.damage.records_missing != 0) FAIL("at " << length);
  }
  CHECK(lengths == ends.back() - ring_header_bytes + 1);
}

TEST_CASE("ARingThatIsShorterThanItWasMadeSaysSo") {
  TempDir dir;
  const Bytes whole = ring_file_with(dir.path(), 3);
  for (const size_t missing : {0u, 1u, 4096u}) {
    const std::filesystem::path file = dir / "short.ring";
    std::ofstream(file, std::ios::binary | std::ios::trunc)
        << std::string_view(whole).substr(0, whole.size() - missing);
    CHECK(DeadRing::open(file)->is_cut_short() == (missing != 0));
  }
}

TEST_CASE("ARecordTornAtAnyByteIsNotThere") {
  TempDir dir;
  constexpr uint64_t count = 6;
  const Bytes whole = ring_file_with(dir.path(), count);
  const std::vector<uint64_t> ends = record_ends(count);
  const uint64_t begin = ends[count - 2];
  const char filling = GENERATE('\0', '\x5a');
  for (uint64_t torn = begin; torn < begin + 24 + numbered_payload(count).size(); ++torn) {
    Bytes bytes = whole;
    std::fill(bytes.begin() + static_cast<long>(torn),
              bytes.begin() + static_cast<long>(ends.back()), filling);
    const ReadBack read = read_bytes(dir / "torn.ring", bytes);
    if (read.sequences.size() != count - 1) FAIL("torn at " << torn - begin);
    if (read.damage.bytes_skipped != 0) FAIL("torn at " << torn - begin);
  }
}

TEST_CASE("AFlippedBitIsDetectedOrHarmless") {
  TempDir dir;
  constexpr uint64_t count = 12;
  const Bytes whole = ring_file_with(dir.path(), count);
  const std::vector<uint64_t> ends = record_ends(count);
  uint64_t refused = 0;
  uint64_t harmless = 0;
  uint64_t counted = 0;
  uint64_t last_lost = 0;
  const auto flip_and_read = [&](uint64_t at) {
    Bytes bytes = whole;
    bytes[at] ^= static_cast<char>(1 << at % 8);
    ReadBack read;
    try {
      read = read_bytes(dir / "flip.ring", bytes);
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::corrupt);
      ++refused;
      return;
    }
    if (!only_true_records(read)) FAIL("flip at " << at);
    if (read.sequences.size() == count) {
      CHECK(read.damage.bytes_skipped == 0);
      ++harmless;
    } else if (read.sequences.size() == count - 1 && read.end.sequence == count) {
      CHECK(read.damage.records_missing == 1);
      CHECK(read.damage.bytes_skipped > 0);
      ++counted;
    } else {
      // The last record cannot be told from a torn tail.
      CHECK(read.end.sequence == count - 1);
      ++last_lost;
    }
  };
  for (uint64_t at = 0; at < 160; ++at) flip_and_read(at);
  for (uint64_t at = ring_header_bytes; at < ends.back() + 32; ++at) flip_and_read(at);
  CHECK(refused == sizeof(RingHeader));
  uint64_t padding = 0;
  for (uint64_t i = 1; i <= count; ++i) {
    const uint64_t size = numbered_payload(i).size();
    padding += ring_record_bytes(size) - sizeof(RingRecordHead) - size;
  }
  CHECK(harmless == (160 - sizeof(RingHeader)) + padding + 32);
  CHECK(last_lost == 24 + numbered_payload(count).size());
  CHECK(counted == ends.back() - ring_header_bytes - padding - last_lost);
}

TEST_CASE("RecordsOfAnEarlierLapAreNotAccepted") {
  TempDir dir;
  const Lapped ring = lapped_ring(dir.path(), 20);
  const DeadRing dead = DeadRing::open(ring.path).value();
  const ReadBack read = read_all(dead, ring.released);
  CHECK(read.sequences.size() == 20);
  CHECK(read.end.sequence == ring.written);
  CHECK(only_true_records(read));
  CHECK(read.damage.bytes_skipped == 0);
  // From the end on there are 60 KB of valid records of the lap before, all of the wrong place.
  RingDamage damage;
  RingRecord record;
  RingPosition end = read.end;
  CHECK_FALSE(dead.read(end, record, damage));
  CHECK(end == read.end);
}

TEST_CASE("EachDamagedRecordOfALappedRingIsCounted") {
  TempDir dir;
  const Lapped ring = lapped_ring(dir.path(), 100);
  const Bytes whole = read_file(ring.path);
  RingPosition at = ring.released;
  for (int i = 0; i < 99; ++i) {
    Bytes bytes = whole;
    bytes[ring_header_bytes + at.offset % ring_bytes_min + 16] ^= 0x40;  // the sequence's
    const ReadBack read = read_bytes(dir / "damaged.ring", bytes, ring.released);
    CHECK(read.sequences.size() == 99);
    CHECK(read.end.sequence == ring.written);
    CHECK(read.damage.records_missing == 1);
    CHECK(only_true_records(read));
    RingRecord record;
    RingDamage damage;
    const DeadRing dead = DeadRing::open(ring.path).value();
    REQUIRE(dead.read(at, record, damage));
    if (ring_bytes_min - at.offset % ring_bytes_min < 250) at.offset += 250;  // mostly the wrap
    if (at.offset % ring_bytes_min < 250) break;
  }
}

TEST_CASE("AnotherRingsBytesAreNotAccepted") {
  TempDir dir;
  const Bytes foreign = ring_file_with(dir.path(), 20);
  Bytes own = ring_file_with(dir.path(), 3);
  const std::vector<uint64_t> ends = record_ends(20);
  own.replace(ends[2], ends.back() - ends[2], foreign, ends[2], ends.back() - ends[2]);
  const ReadBack read = read_bytes(dir / "mixed.ring", own);
  CHECK(read.sequences == std::vector<uint64_t>{1, 2, 3});
  CHECK(read.damage.bytes_skipped == 0);
}

TEST_CASE("ReadingGoesOnBehindTheAppliedPosition") {
  TempDir dir;
  const Bytes whole = ring_file_with(dir.path(), 10);
  const std::vector<uint64_t> ends = record_ends(10);
  for (uint64_t applied = 0; applied <= 10; ++applied) {
    const uint64_t offset = applied == 0 ? 0 : ends[applied - 1] - ring_header_bytes;
    const ReadBack read = read_bytes(dir / "whole.ring", whole, {applied, offset});
    CHECK(read.sequences.size() == 10 - applied);
    CHECK(read.damage.records_missing == 0);
  }
  // A position that cannot be one of this ring's is the end, not a disaster.
  CHECK(read_bytes(dir / "whole.ring", whole, {5, UINT64_MAX - 7}).sequences.empty());
  CHECK(read_bytes(dir / "whole.ring", whole, {UINT64_MAX, 0}).sequences.empty());
}

TEST_CASE("AZeroedSectorIsCountedAndTheRestIsKept") {
  TempDir dir;
  const Bytes whole = ring_file_with(dir.path(), 200);
  Bytes bytes = whole;
  std::fill_n(bytes.begin() + ring_header_bytes + 4096, 512, '\0');
  const ReadBack read = read_bytes(dir / "zeroed.ring", bytes);
  CHECK(read.end.sequence == 200);
  CHECK(read.sequences.size() + read.damage.records_missing == 200);
  CHECK(read.damage.bytes_skipped >= 512);
  CHECK(only_true_records(read));
}

TEST_CASE("WhatStandsBehindAnUnreadableSectorIsLeftForLater") {
  TempDir dir;
  write_file(dir / "whole.ring", ring_file_with(dir.path(), 400));
  FaultyFile file;
  file.break_sector(ring_header_bytes + 8192, ring_header_bytes + 8192 + 512);
  ReadBack read;
  {
    const DeadRing ring = DeadRing::open(dir / "whole.ring").value();
    CHECK(ring.unreadable_bytes() == 4096);
    CHECK(ring.problem().find("whole.ring") != std::string::npos);
    read = read_all(ring);
  }
  CHECK(read.end.offset <= 8192);
  CHECK(read.end.offset > 8192 - 256);
  CHECK(read.damage.bytes_skipped == 0);
  CHECK(only_true_records(read));
  file.break_sector(0, 0);
  const DeadRing ring = DeadRing::open(dir / "whole.ring").value();
  CHECK(ring.unreadable_bytes() == 0);
  const ReadBack rest = read_all(ring, read.end);
  CHECK(rest.end.sequence == 400);
  CHECK(rest.damage.records_missing == 0);
  CHECK(read.sequences.size() + rest.sequences.size() == 400);
}

TEST_CASE("AnUnreadableSectorOfTheLapBeforeIsTheEndToo") {
  TempDir dir;
  const Lapped ring = lapped_ring(dir.path(), 20);
  const uint64_t page = ring.released.offset % ring_bytes_min / 4096 * 4096;
  FaultyFile file;
  file.break_sector(page, page + 4096);  // the last whole page before the released position
  const DeadRing dead = DeadRing::open(ring.path).value();
  CHECK(dead.unreadable_bytes() == 4096);
  CHECK(read_all(dead, ring.released).sequences.size() == 20);
  CHECK_FALSE(read_all(dead).end.sequence > ring.written);
}

TEST_CASE("AReadThatFailsOnceCostsNothing") {
  TempDir dir;
  write_file(dir / "whole.ring", ring_file_with(dir.path(), 400));
  const int error_number = GENERATE(EIO, ENOMEM);
  int opened = 0;
  for (uint64_t nth = 1; nth <= 12; ++nth) {
    FaultyFile file;
    file.fail_call(nth, error_number);
    try {
      const auto ring = DeadRing::open(dir / "whole.ring");
      if (!ring) continue;
      ++opened;
      CHECK(ring->unreadable_bytes() == 0);
      CHECK(read_all(*ring).sequences.size() == 400);
    } catch (const Error&) {
      // Told, and nothing is changed.
    }
  }
  CHECK(opened >= 5);
}

TEST_CASE("ALookByAnotherIsNoSignOfLife") {
  TempDir dir;
  const std::filesystem::path path = dir / "dead.ring";
  write_file(path, ring_file_with(dir.path(), 3));
  const UniqueFd looking(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(::flock(looking.get(), LOCK_SH) == 0);
  std::thread soon_over([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    ::flock(looking.get(), LOCK_UN);
  });
  const auto ring = DeadRing::open(path);
  soon_over.join();
  REQUIRE(ring);
  CHECK(read_all(*ring).sequences.size() == 3);
  // Another recovery is one: it need not be waited for.
  CHECK_FALSE(DeadRing::open(path));
}

TEST_CASE("HeadersThatCannotBeReadAreToldApart") {
  TempDir dir;
  const Bytes whole = ring_file_with(dir.path(), 3);
  const std::filesystem::path path = dir / "header.ring";
  for (size_t length = 0; length < sizeof(RingHeader); ++length) {
    write_file(path, ByteView(whole).substr(0, length));
    CHECK(error_of_open(path) == ErrorCode::corrupt);
  }
  // A later version signs its header too.
  const auto with_header = [&](auto change) {
    RingHeader header;
    std::memcpy(&header, whole.data(), sizeof header);
    change(header);
    header.crc = crc32c(0, &header, offsetof(RingHeader, crc));
    Bytes bytes = whole;
    std::memcpy(bytes.data(), &header, sizeof header);
    write_file(path, bytes);
    return error_of_open(path);
  };
  CHECK(with_header([](RingHeader&) {}) == ErrorCode::unknown);
  CHECK(with_header([](RingHeader& h) { h.format_version = 2; }) == ErrorCode::too_new);
  CHECK(with_header([](RingHeader& h) { h.format_version = 0; }) == ErrorCode::corrupt);
  CHECK(with_header([](RingHeader& h) { h.data_bytes = 8; }) == ErrorCode::corrupt);
  CHECK(with_header([](RingHeader& h) { h.data_bytes = UINT64_MAX; }) == ErrorCode::corrupt);
  CHECK(with_header([](RingHeader& h) { h.data_bytes += 8; }) == ErrorCode::corrupt);
  CHECK(with_header([](RingHeader& h) { h.header_bytes = 0; }) == ErrorCode::corrupt);
}

TEST_CASE("ThePlaceTagIsNeverZeroAndDiffersBetweenLaps") {
  static_assert(ring_place_tag(0, 0) != 0);
  static_assert(ring_place_tag(1, uint64_t{0xffffffff} * 8) != 0);
  for (uint64_t lap = 1; lap < 1000; ++lap) {
    if (ring_place_tag(77, 800) == ring_place_tag(77, 800 + lap * ring_bytes_min)) FAIL(lap);
  }
}

TEST_CASE("TheFormatPagesExampleIsTrue") {
  constexpr unsigned char example[] = {
      0x0a, 0, 0, 0, 0x0a, 0x67, 0x67, 0xd9, 2,   0,   0, 0, 5, 0, 0, 0,  //
      1,    0, 0, 0, 0,    0,    0,    0,    'h', 'i', 0, 0, 0, 0, 0, 0};
  TempDir dir;
  Bytes bytes = make_ring_header({0x0a}, ring_bytes_min);
  bytes.append(reinterpret_cast<const char*>(example), sizeof example);
  const ReadBack read = read_bytes(dir / "example.ring", bytes);
  CHECK(read.payloads == std::vector<Bytes>{"hi"});
  CHECK(read.end == RingPosition{1, 32});
}

TEST_CASE("ARecordThatLeavesTheAreaIsNotAcceptedThoughItsChecksumFits") {
  std::vector<uint64_t> memory(2 * ring_bytes_min / 8);
  auto* bytes = reinterpret_cast<char*>(memory.data());
  const RingChecksum checksum({7});
  const uint64_t offset = GENERATE(0, ring_bytes_min - 32);
  const uint32_t length = GENERATE(0, 8, 9, ring_bytes_min / 4, ring_bytes_min / 4 + 1);
  auto* head = reinterpret_cast<RingRecordHead*>(bytes + offset);
  *head = {0, length, 1, 0, 1};
  head->commit = checksum.commit_word(head, offset);
  RingPosition position{0, offset};
  RingRecord record;
  RingDamage damage;
  const bool fits = length <= (offset == 0 ? ring_bytes_min / 4 : 8);
  CHECK(find_record({bytes, ring_bytes_min}, checksum, position, offset + ring_bytes_min, record,
                    damage) == fits);
  CHECK(damage.bytes_skipped == 0);
}

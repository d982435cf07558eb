#include "plugin/journal/ring.h"

#include <thread>

#include "plugin/base/error.h"
#include "tests/support/catch.h"
#include "tests/support/faulty_file.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/journal/ring_helpers.h"

using namespace aimlog;
using namespace aimlog::test;

TEST_CASE("RecordsComeBackInOrderWithTheirTypes") {
  TempDir dir;
  auto ring = Ring::create(dir.path(), ring_bytes_min);
  CHECK(ring->data_bytes() == ring_bytes_min);
  CHECK_FALSE(ring->uses_write_calls());
  RingPosition position;
  RingRecord record;
  CHECK_FALSE(ring->read(position, record));
  for (uint64_t i = 1; i <= 50; ++i) {
    CHECK(write_record(*ring, static_cast<uint16_t>(i), numbered_payload(i)) == i);
  }
  CHECK(ring->published_sequence() == 50);
  for (uint64_t i = 1; i <= 50; ++i) {
    REQUIRE(ring->read(position, record));
    position = record.end;
    CHECK(record.type == i);
    CHECK(record.end.sequence == i);
    CHECK(record.payload == numbered_payload(i));
  }
  CHECK_FALSE(ring->read(position, record));
  CHECK(ring->used_bytes() == position.offset);
  ring->release(position);
  CHECK(ring->used_bytes() == 0);
}

TEST_CASE("NothingIsVisibleBeforePublish") {
  TempDir dir;
  auto ring = Ring::create(dir.path(), ring_bytes_min);
  RingRecord record;
  REQUIRE(ring->writer().reserve(100, RingRoom::results) != nullptr);
  CHECK_FALSE(ring->read({}, record));
  CHECK(ring->used_bytes() == 0);
  // Reserving again gives the first one up; publishing twice or too much is refused.
  REQUIRE(ring->writer().reserve(8, RingRoom::results) != nullptr);
  CHECK(ring->writer().publish(1, 9) == 0);
  CHECK(ring->writer().publish(1, 4) == 1);
  CHECK(ring->writer().publish(1, 4) == 0);
  REQUIRE(ring->read({}, record));
  CHECK(record.payload.size() == 4);
}

TEST_CASE("ManyLapsOfTheRingLoseNothing") {
  const bool copy_on_write = GENERATE(false, true);
  const uint64_t longest = GENERATE(0, 40, 5000, 16384);
  TempDir dir;
  FaultyFile file;
  if (copy_on_write) file.pretend_copy_on_write();
  auto ring = Ring::create(dir.path(), ring_bytes_min);
  CHECK(ring->uses_write_calls() == copy_on_write);
  RingPosition position;
  RingRecord record;
  uint64_t written = 0;
  uint64_t read = 0;
  while (position.offset < 10 * ring_bytes_min) {
    while (write_record(*ring, 1, numbered_payload(written + 1, longest), RingRoom::results) != 0) {
      ++written;
    }
    const uint64_t leave = read % 3;  // some stay for the next round, so that laps end anywhere
    while (written - read > leave && ring->read(position, record)) {
      ++read;
      position = record.end;
      if (record.payload != numbered_payload(read, longest) || record.end.sequence != read) {
        FAIL("record " << read);
      }
    }
    ring->release(position);
  }
  CHECK(ring->damage().records_missing == 0);
  CHECK(ring->damage().bytes_skipped == 0);
  // What is in the file now is what was not released.
  const std::filesystem::path path = ring->path();
  ring.reset();
  const ReadBack left = read_all(DeadRing::open(path).value(), position);
  CHECK(left.sequences.size() == written - read);
  CHECK(left.end.sequence == written);
  CHECK(left.damage.bytes_skipped == 0);
}

TEST_CASE("AFullRingKeepsItsReservedRoom") {
  TempDir dir;
  auto ring = Ring::create(dir.path(), ring_bytes_min);
  const Bytes payload(1000, 'x');
  uint64_t results = 0;
  while (write_record(*ring, 1, payload, RingRoom::results) != 0) ++results;
  CHECK(results == ring_bytes_min * 7 / 8 / 1024);
  uint64_t others = 0;
  while (write_record(*ring, 1, payload, RingRoom::reserved) != 0) ++others;
  CHECK(others == ring_bytes_min / 8 / 1024);
  CHECK(ring->used_bytes() == ring_bytes_min);
  // One released record makes room for one more, and only for a reserved one.
  RingRecord record;
  REQUIRE(ring->read({}, record));
  ring->release(record.end);
  CHECK(write_record(*ring, 1, payload, RingRoom::results) == 0);
  CHECK(write_record(*ring, 1, payload, RingRoom::reserved) != 0);
}

TEST_CASE("TheLongestRecordFitsAnywhereInAnEmptyRing") {
  TempDir dir;
  auto ring = Ring::create(dir.path(), ring_bytes_min + 1);
  CHECK(ring->data_bytes() == ring_bytes_min + 4096);
  const uint32_t longest = ring->writer().record_bytes_max();
  CHECK(ring->writer().reserve(longest + 1, RingRoom::reserved) == nullptr);
  CHECK(ring->writer().reserve(UINT32_MAX, RingRoom::reserved) == nullptr);
  const Bytes payload(longest, 'y');
  RingPosition position;
  for (int i = 0; i < 200; ++i) {
    for (ByteView next : {ByteView(payload), ByteView("12345678901234567")}) {
      RingRecord record;
      REQUIRE(write_record(*ring, 2, next, RingRoom::results) != 0);
      REQUIRE(ring->read(position, record));
      CHECK(record.payload == next);
      position = record.end;
      ring->release(position);
    }
  }
}

TEST_CASE("TwoThreadsMeetWithoutALock") {
  TempDir dir;
  auto ring = Ring::create(dir.path(), ring_bytes_min);
  constexpr uint64_t records = 30000;
  std::thread producer([&] {
    for (uint64_t i = 1; i <= records; ++i) {
      const Bytes payload = numbered_payload(i);
      while (write_record(*ring, 1, payload, RingRoom::results) == 0) std::this_thread::yield();
    }
  });
  RingPosition position;
  RingRecord record;
  uint64_t wrong = 0;
  while (position.sequence < records) {
    if (!ring->read(position, record)) {
      ring->prepare_ahead(8192);
      std::this_thread::yield();
      continue;
    }
    if (record.payload != numbered_payload(position.sequence + 1)) ++wrong;
    position = record.end;
    if (position.sequence % 16 == 0) ring->release(position);
    CHECK(ring->used_bytes() <= ring->data_bytes());
  }
  producer.join();
  CHECK(wrong == 0);
  CHECK(ring->published_sequence() == records);
}

TEST_CASE("ARecordThatTheHostWroteOverIsPassedOver") {
  TempDir dir;
  auto ring = Ring::create(dir.path(), ring_bytes_min);
  write_record(*ring, 1, numbered_payload(1));
  char* place = ring->writer().reserve(64, RingRoom::results);
  ring->writer().publish(1, 64);
  place[5] ^= 1;
  RingRecord record;
  REQUIRE(ring->read({}, record));
  const RingPosition behind_first = record.end;
  CHECK_FALSE(ring->read(behind_first, record));
  write_record(*ring, 1, numbered_payload(3));
  REQUIRE(ring->read(behind_first, record));
  CHECK(record.end.sequence == 3);
  CHECK(ring->damage().records_missing == 1);
  CHECK(ring->damage().bytes_skipped == 24 + 64);
}

TEST_CASE("SizesOutOfRangeAreRefused") {
  TempDir dir;
  CHECK_THROWS_AS(Ring::create(dir.path(), ring_bytes_min - 1), Error);
  CHECK_THROWS_AS(Ring::create(dir.path(), ring_bytes_max + 1), Error);
  CHECK_THROWS_AS(Ring::create(dir / "missing", ring_bytes_min), Error);
  CHECK(files_in(dir.path()) == 0);
}

TEST_CASE("RemoveLeavesNothing") {
  TempDir dir;
  auto ring = Ring::create(dir.path(), ring_bytes_min);
  CHECK(ring->path().extension() == ".ring");
  ring->remove();
  CHECK(files_in(dir.path()) == 0);
  CHECK(ring->writer().reserve(1, RingRoom::results) == nullptr);
  RingRecord record;
  CHECK_FALSE(ring->read({}, record));
  ring->prepare_ahead(4096);
}

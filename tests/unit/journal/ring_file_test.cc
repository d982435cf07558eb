// Making, listing and removing ring files, with every system call failing once.
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "plugin/base/error.h"
#include "plugin/base/file.h"
#include "plugin/journal/dead_ring.h"
#include "plugin/journal/ring.h"
#include "tests/support/catch.h"
#include "tests/support/faulty_file.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/journal/ring_helpers.h"

using namespace aimlog;
using namespace aimlog::test;

namespace {

size_t open_descriptors() { return files_in("/proc/self/fd"); }

void make_old(const std::filesystem::path& path) {
  std::filesystem::last_write_time(path,
                                   std::filesystem::last_write_time(path) - std::chrono::hours(1));
}

}  // namespace

TEST_CASE("EachFailingCallOfCreateLeavesNothingBehind") {
  const int error_number = GENERATE(EIO, ENOSPC, ENOMEM);
  const bool copy_on_write = GENERATE(false, true);
  TempDir dir;
  FaultyFile file;
  if (copy_on_write) file.pretend_copy_on_write();
  const size_t descriptors = open_descriptors();
  std::unique_ptr<Ring> ring;
  uint64_t failures = 0;
  while (ring == nullptr) {
    file.fail_call(failures + 1, error_number);
    try {
      ring = Ring::create(dir.path(), ring_bytes_min);
    } catch (const Error& error) {
      ++failures;
      CHECK(error.code() == (error_number == ENOSPC ? ErrorCode::no_space : ErrorCode::io));
      CHECK(files_in(dir.path()) == 0);
      CHECK(open_descriptors() == descriptors);
    }
  }
  // Two opens, flock, statfs, allocate or resize, write, fsync, mmap, rename, open and sync the
  // directory.
  CHECK(failures == 11);
  file.fail_call(1000, error_number);
  CHECK(write_record(*ring, 1, "x") == 1);
}

TEST_CASE("EachFailingCallOfRemoveIsToldAndEndsTheLock") {
  for (uint64_t nth = 1; nth <= 3; ++nth) {  // unlink, open and sync the directory
    TempDir dir;
    FaultyFile file;
    auto ring = Ring::create(dir.path(), ring_bytes_min);
    const std::filesystem::path path = ring->path();
    const size_t descriptors = open_descriptors();
    file.fail_call(nth, EIO);
    CHECK_THROWS_AS(ring->remove(), Error);
    CHECK(open_descriptors() < descriptors);
    CHECK_FALSE(ring_is_live(path));
    CHECK(files_in(dir.path()) == (nth == 1 ? 1 : 0));
  }
}

TEST_CASE("InterruptedAndShortCallsAreDoneAgain") {
  TempDir dir;
  std::filesystem::path path;
  FaultyFile file;
  file.interrupt_and_shorten();
  SECTION("mapped") {}
  SECTION("with write calls") { file.pretend_copy_on_write(); }
  {
    auto ring = Ring::create(dir.path(), ring_bytes_min);
    path = ring->path();
    for (uint64_t i = 1; i <= 20; ++i) {
      CHECK(write_record(*ring, 1, numbered_payload(i, 3000)) == i);
    }
  }
  const ReadBack read = read_all(DeadRing::open(path).value());
  CHECK(read.sequences.size() == 20);
  CHECK(read.payloads.back() == numbered_payload(20, 3000));
}

TEST_CASE("WithoutAllocationRecordsAreWrittenByCalls") {
  TempDir dir;
  FaultyFile file;
  file.fail_allocations(EOPNOTSUPP);
  auto ring = Ring::create(dir.path(), ring_bytes_min);
  CHECK(ring->uses_write_calls());
  CHECK(std::filesystem::file_size(ring->path()) == ring_bytes_min + 4096);
  for (uint64_t i = 1; i <= 10; ++i) CHECK(write_record(*ring, 1, numbered_payload(i)) == i);
  RingRecord record;
  REQUIRE(ring->read({}, record));
  CHECK(record.payload == numbered_payload(1));
  // In the file at once, not only when the ring is closed.
  const Bytes bytes = read_file(ring->path());
  CHECK(read_bytes(dir / "copy.ring", bytes).sequences.size() == 10);
}

TEST_CASE("AFullDiskIsAnErrorOfCreate") {
  TempDir dir;
  FaultyFile file;
  file.fail_allocations(ENOSPC);
  try {
    Ring::create(dir.path(), ring_bytes_min);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::no_space);
    CHECK(std::string(error.what()).find(dir.path().string()) != std::string::npos);
  }
  CHECK(files_in(dir.path()) == 0);
}

TEST_CASE("AMappedRingIsAllocatedInFull") {
  TempDir dir;
  auto ring = Ring::create(dir.path(), ring_bytes_min);
  struct stat status;
  REQUIRE(stat(ring->path().c_str(), &status) == 0);
  CHECK(static_cast<uint64_t>(status.st_blocks) * 512 >= ring_bytes_min);
}

TEST_CASE("AFailedWriteGivesTheRoomBack") {
  TempDir dir;
  FaultyFile file;
  file.pretend_copy_on_write();
  auto ring = Ring::create(dir.path(), ring_bytes_min);
  file.limit_writes(300);
  uint64_t written = 0;
  while (write_record(*ring, 1, numbered_payload(written + 1)) != 0) ++written;
  const uint64_t used = ring->used_bytes();
  CHECK(used <= 300);
  CHECK(write_record(*ring, 1, numbered_payload(written + 1)) == 0);
  CHECK(ring->used_bytes() == used);
  CHECK(ring->published_sequence() == written);
  file.limit_writes(100000);
  CHECK(write_record(*ring, 1, numbered_payload(written + 1)) == written + 1);
  const std::filesystem::path path = ring->path();
  ring.reset();
  const ReadBack read = read_all(DeadRing::open(path).value());
  CHECK(read.sequences.size() == written + 1);
  CHECK(read.damage.bytes_skipped == 0);
}

TEST_CASE("ALiveRingIsNotOpenedAndADeadOneOnlyOnce") {
  TempDir dir;
  auto ring = Ring::create(dir.path(), ring_bytes_min);
  const std::filesystem::path path = ring->path();
  CHECK(ring_is_live(path));
  CHECK_FALSE(DeadRing::open(path).has_value());
  CHECK_FALSE(DeadRing::open(path, true).has_value());
  ring.reset();
  CHECK_FALSE(ring_is_live(path));
  {
    const auto recovery = DeadRing::open(path);
    REQUIRE(recovery.has_value());
    CHECK_FALSE(DeadRing::open(path).has_value());
    CHECK_FALSE(DeadRing::open(path, true).has_value());
    CHECK(ring_is_live(path));
  }
  {
    const auto reader = DeadRing::open(path, true);
    const auto another = DeadRing::open(path, true);
    CHECK(another.has_value());
    CHECK_FALSE(DeadRing::open(path).has_value());
  }
  auto recovery = DeadRing::open(path);
  recovery->remove();
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK_FALSE(ring_is_live(path));
  CHECK_FALSE(DeadRing::open(path).has_value());
}

TEST_CASE("ARingThatOneMayNotReadIsLeftAlone") {
  TempDir dir;
  const std::filesystem::path path = dir / "of_another.ring";
  write_file(path, ring_file_with(dir.path(), 1));
  std::filesystem::permissions(path, std::filesystem::perms::none);
  std::filesystem::permissions(dir.path(), std::filesystem::perms(0755));
  const uid_t user = geteuid();
  if (user == 0) REQUIRE(seteuid(65534) == 0);
  const bool live = ring_is_live(path);
  CHECK_THROWS_AS(DeadRing::open(path), Error);
  if (user == 0) REQUIRE(seteuid(user) == 0);
  CHECK(live);
}

TEST_CASE("ARecoveryThatComesTooLateFindsNothing") {
  // Another recovery removes the file between this one's opening and locking it.
  TempDir dir;
  const Bytes bytes = ring_file_with(dir.path(), 5);
  static std::filesystem::path path;
  path = dir / "late.ring";
  write_file(path, bytes);
  FileCalls calls = system_file_calls;
  calls.flock = [](int fd, int operation) {
    std::filesystem::remove(path);
    return ::flock(fd, operation);
  };
  set_file_calls(calls);
  CHECK_FALSE(DeadRing::open(path).has_value());
  set_file_calls(system_file_calls);
}

TEST_CASE("RingsAreListedOldestFirst") {
  TempDir dir;
  CHECK(list_rings(dir / "missing").empty());
  std::vector<std::filesystem::path> made;
  for (int i = 0; i < 8; ++i) made.push_back(Ring::create(dir.path(), ring_bytes_min)->path());
  write_file(dir / "other.txt", "x");
  write_file(dir / "left.ring.tmp", "x");
  CHECK(list_rings(dir.path()) == made);
  write_file(dir / "odd.ring", "x");  // unreadable ones come first: whoever opens one says why
  CHECK(list_rings(dir.path()).front() == dir / "odd.ring");
}

TEST_CASE("OnlyOldAndUnlockedLeftoversAreRemoved") {
  TempDir dir;
  for (const char* name : {"young.ring.tmp", "old.ring.tmp", "locked.ring.tmp", "old.ring"}) {
    write_file(dir / name, "x");
    if (name != std::string("young.ring.tmp")) make_old(dir / name);
  }
  const UniqueFd locked = open_file(dir / "locked.ring.tmp", O_RDONLY);
  REQUIRE(try_lock_file(locked.get(), LOCK_EX, dir / "locked.ring.tmp"));
  remove_unfinished_rings(dir.path());
  CHECK(std::filesystem::exists(dir / "young.ring.tmp"));
  CHECK_FALSE(std::filesystem::exists(dir / "old.ring.tmp"));
  CHECK(std::filesystem::exists(dir / "locked.ring.tmp"));
  CHECK(std::filesystem::exists(dir / "old.ring"));
  remove_unfinished_rings(dir / "missing");
}

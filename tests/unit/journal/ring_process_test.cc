// Rings of processes that die: what was acknowledged is there, and nobody mistakes a child for its
// parent.
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

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

// Seen by both processes, and alive after either.
struct Shared {
  std::atomic<uint64_t> acknowledged{0};
  std::atomic<bool> was_let_in{false};  // a forked child got room in its parent's ring

  // In one step, as a commit is: a kill in between must not leave half of a position.
  void apply(const RingPosition& position) {
    const unsigned next = 1 - current.load();
    positions[next] = position;
    current.store(next);
  }
  RingPosition applied() const { return positions[current.load()]; }

 private:
  RingPosition positions[2];
  std::atomic<unsigned> current{0};
};

Shared* map_shared() {
  constexpr int flags = MAP_SHARED | MAP_ANONYMOUS;
  void* address = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, flags, -1, 0);
  return new (address) Shared;
}

template <typename Body>
pid_t fork_child(Body body) {
  const pid_t pid = fork();
  if (pid == 0) {
    body();
    _exit(0);
  }
  return pid;
}

// As a program may do that knows nothing of fork handlers.
template <typename Body>
pid_t fork_child_without_handlers(Body body) {
  const auto pid =
      static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (pid == 0) {
    body();
    _exit(0);
  }
  return pid;
}

void kill_and_wait(pid_t pid) {
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
}

// Writes and reads without end; the applied position is what a commit would keep.
void write_until_killed(const std::filesystem::path& directory, Shared& shared) {
  auto ring = Ring::create(directory, ring_bytes_min);
  RingPosition position;
  RingRecord record;
  for (uint64_t i = 1;; ++i) {
    const Bytes payload = numbered_payload(i, 400);
    while (write_record(*ring, 1, payload) == 0) {
      while (ring->used_bytes() > 2000 && ring->read(position, record)) position = record.end;
      shared.apply(position);
      ring->release(position);
    }
    shared.acknowledged.store(i);
  }
}

// The only ring there is lives as long as its writer, whatever children that had. Returns its path.
std::filesystem::path expect_live_until_killed(const std::filesystem::path& directory,
                                               pid_t writer) {
  const auto rings = list_rings(directory);
  REQUIRE(rings.size() == 1);
  CHECK(ring_is_live(rings[0]));
  kill_and_wait(writer);
  CHECK_FALSE(ring_is_live(rings[0]));
  return rings[0];
}

}  // namespace

TEST_CASE("NothingAcknowledgedIsLostByKill9") {
  const bool copy_on_write = GENERATE(false, true);
  TempDir dir;
  FaultyFile file;
  if (copy_on_write) file.pretend_copy_on_write();
  uint64_t laps = 0;
  for (int round = 0; round < (copy_on_write ? 15 : 50); ++round) {
    Shared* shared = map_shared();
    const pid_t pid = fork_child([&] { write_until_killed(dir.path(), *shared); });
    while (shared->acknowledged.load() < static_cast<uint64_t>(1 + round * 40)) usleep(50);
    kill_and_wait(pid);
    const auto rings = list_rings(dir.path());
    REQUIRE(rings.size() == 1);
    CHECK_FALSE(ring_is_live(rings[0]));
    auto dead = DeadRing::open(rings[0]);
    REQUIRE(dead.has_value());
    const RingPosition applied = shared->applied();
    const ReadBack read = read_all(*dead, applied);
    const uint64_t acknowledged = shared->acknowledged.load();
    // One more may be there: published, and killed before it could be acknowledged.
    CHECK(read.end.sequence >= acknowledged);
    CHECK(read.end.sequence <= acknowledged + 1);
    CHECK(read.damage.records_missing == 0);
    CHECK(read.sequences.size() == read.end.sequence - applied.sequence);
    for (size_t i = 0; i < read.sequences.size(); ++i) {
      if (read.payloads[i] != numbered_payload(applied.sequence + i + 1, 400)) FAIL("record " << i);
    }
    laps = std::max(laps, read.end.offset / ring_bytes_min);
    dead->remove();
    munmap(shared, sizeof *shared);
  }
  CHECK(laps >= 1);
  CHECK(files_in(dir.path()) == 0);
}

TEST_CASE("AChildThatOutlivesItsParentDoesNotKeepTheRingLive") {
  TempDir dir;
  Shared* shared = map_shared();
  int alive[2];
  REQUIRE(pipe(alive) == 0);
  const pid_t parent = fork_child([&] {
    auto ring = Ring::create(dir.path(), ring_bytes_min);
    fork_child([&] {
      ring->abandon_in_child();
      shared->acknowledged.store(1);
      // Inert, and not touching the parent's records.
      if (ring->writer().reserve(8, RingRoom::results) != nullptr) shared->was_let_in.store(true);
      close(alive[1]);
      char byte;
      (void)!read(alive[0], &byte, 1);  // until the test is over
    });
    write_record(*ring, 1, "by the parent");
    while (shared->acknowledged.load() == 0) usleep(50);
    shared->acknowledged.store(2);
    pause();
  });
  while (shared->acknowledged.load() < 2) usleep(50);
  const auto ring = expect_live_until_killed(dir.path(), parent);
  CHECK(read_all(DeadRing::open(ring).value()).payloads == std::vector<Bytes>{"by the parent"});
  CHECK_FALSE(shared->was_let_in.load());
  close(alive[0]);
  close(alive[1]);
  munmap(shared, sizeof *shared);
}

TEST_CASE("NoChildKeepsARingLiveThatWasForkedWhileItWasMade") {
  TempDir dir;
  Shared* shared = map_shared();
  static Shared* progress;
  static int told[2];
  progress = shared;
  REQUIRE(pipe(told) == 0);
  const bool replaying = GENERATE(false, true);
  if (replaying) write_file(dir / "dead.ring", ring_file_with(dir.path(), 3));
  static const auto fork_once = [] {
    if (progress->acknowledged.exchange(1) > 0) return;
    fork_child([] {
      const pid_t pid = getpid();  // told when its fork handlers have run
      (void)!write(told[1], &pid, sizeof pid);
      pause();
    });
  };
  const pid_t parent = fork_child([&] {
    FileCalls calls = system_file_calls;
    calls.fsync = [](int fd) {
      fork_once();
      return ::fsync(fd);
    };
    calls.pread = [](int fd, void* bytes, size_t count, off_t offset) {
      fork_once();
      return ::pread(fd, bytes, count, offset);
    };
    set_file_calls(calls);
    const auto dead = replaying ? DeadRing::open(dir / "dead.ring") : std::nullopt;
    const auto ring = replaying ? nullptr : Ring::create(dir.path(), ring_bytes_min);
    shared->acknowledged.store(2);
    pause();
  });
  pid_t orphan = 0;
  REQUIRE(read(told[0], &orphan, sizeof orphan) == sizeof orphan);
  while (shared->acknowledged.load() < 2) usleep(50);
  expect_live_until_killed(dir.path(), parent);
  kill(orphan, SIGKILL);
  close(told[0]);
  close(told[1]);
  munmap(shared, sizeof *shared);
}

TEST_CASE("AChildThatNoHandlerSawKeepsTheRingLive") {
  // Why there are fork handlers: without them, the same child does keep the lock.
  TempDir dir;
  int alive[2];
  REQUIRE(pipe(alive) == 0);
  auto ring = Ring::create(dir.path(), ring_bytes_min);
  const std::filesystem::path path = ring->path();
  const pid_t child = fork_child_without_handlers([&] {
    close(alive[1]);
    char byte;
    (void)!read(alive[0], &byte, 1);
  });
  // Our own good end unlocks for both.
  SECTION("but not after a good end") {
    ring.reset();
    CHECK_FALSE(ring_is_live(path));
  }
  SECTION("as long as it lives") {
    ring->abandon_in_child();  // closes without unlocking, as a death would
    CHECK(ring_is_live(path));
    kill_and_wait(child);
    CHECK_FALSE(ring_is_live(path));
  }
  close(alive[0]);
  close(alive[1]);
  kill_and_wait(child);
}

// Journals whose files cannot be opened, read or removed: nothing of them is lost, and no other
// waits for them.
#include "plugin/commit/recovery.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "plugin/base/file.h"
#include "plugin/base/signals.h"
#include "plugin/commit/batch_committer.h"
#include "plugin/store/journal_table.h"
#include "tests/support/catch.h"
#include "tests/support/faulty_file.h"
#include "tests/support/file_size_limit.h"
#include "tests/unit/commit/journaled_repo.h"

namespace aimlog::test {
namespace {

const std::vector<std::string> names = {"x"};
constexpr int64_t results = 300;

// 4 events before the results.
void write_job(Ring& ring, unsigned char job, const std::string& id) {
  write_event(ring, session(JobToken{job}));
  write_event(ring, shape(names));
  write_event(ring, trial(id));
  write_event(ring, start(id));
  for (int64_t step = 1; step <= results; ++step) {
    write_result(ring, id, names, {Number::of(static_cast<double>(step))}, step);
  }
}

bool has_row(JournaledRepo& repo, const RingId& ring) {
  const Transaction txn(*repo.environment);
  return find_journal(txn, ring).has_value();
}

size_t count_losses(JournaledRepo& repo) {
  const Transaction txn(*repo.environment);
  size_t count = 0;
  each_loss(txn, [&](const LossRow&) { ++count; });
  return count;
}

// One file's calls fail, those of all others do not.
struct Refused {
  std::string path;
  bool open = false, header = false, unlink = false;
} refused;

void refuse(const std::filesystem::path& path, int which) {
  refused = {path.string(), which == 0, which == 1, which == 2};
  static FileCalls calls;  // used as long as it is set
  calls = system_file_calls;
  calls.open = [](const char* path, int flags, mode_t mode) {
    if (!refused.open || path != refused.path) return system_file_calls.open(path, flags, mode);
    errno = EACCES;
    return -1;
  };
  calls.pread = [](int fd, void* bytes, size_t count, off_t offset) {
    std::error_code ignored;
    const auto name = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), ignored);
    if (!refused.header || name != refused.path || offset != 0)
      return system_file_calls.pread(fd, bytes, count, offset);
    errno = EIO;
    return ssize_t{-1};
  };
  calls.unlink = [](const char* path) {
    if (!refused.unlink || path != refused.path) return system_file_calls.unlink(path);
    errno = EROFS;
    return -1;
  };
  set_file_calls(calls);
}

TEST_CASE("EventsThatCannotBeReadWaitUntilTheyCanBe") {
  JournaledRepo repo;
  write_job(*repo.ring, 1, "a");
  const auto path = repo.ring->path();
  const RingId id = repo.ring->id();
  repo.new_ring();
  const uint64_t broken_page = GENERATE(0, 1, 2, 200);  // the last one holds nothing
  {
    FaultyFile file;
    file.break_sector(4096 + broken_page * 4096, 4096 + broken_page * 4096 + 1);
    for (int times = 1; times <= 2; ++times) {
      const RecoveryReport report = recover_dead_journals(*repo.environment);
      CHECK(report.journals_replayed == (report.events_replayed > 0 ? 1 : 0));
      CHECK(report.runs_crashed == 0);
      CHECK(report.records_lost == 0);
      REQUIRE(report.problems.size() == 1);
      CHECK(report.problems[0].find("4096 bytes of a journal") == 0);
      CHECK(report.problems[0].find(path.string()) != std::string::npos);
      CHECK(std::filesystem::exists(path));
      CHECK((report.events_replayed == 0) == (broken_page == 0 || times == 2));
      if (broken_page == 200) CHECK(repo.points("a", "x").size() == results);
    }
    const auto states = look_at_journals(repo.environment->paths().journals, {});
    REQUIRE(states.size() == 2);
    CHECK(states[0].bytes_unreadable == 4096);
  }
  const RecoveryReport report = recover_dead_journals(*repo.environment);
  CHECK(report.journals_replayed == 1);
  CHECK(report.runs_crashed == 1);
  CHECK(report.problems.empty());
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK_FALSE(has_row(repo, id));
  CHECK(repo.points("a", "x").size() == results);
  CHECK(count_losses(repo) == 0);
}

TEST_CASE("AJournalThatCannotBeOpenedOrRemovedKeepsNoOtherFromBeingReplayed") {
  JournaledRepo repo;
  write_job(*repo.ring, 1, "a");
  const auto path = repo.ring->path();
  repo.new_ring();
  write_job(*repo.ring, 2, "b");
  const auto other = repo.ring->path();
  repo.new_ring();
  const int which = GENERATE(0, 1, 2);
  refuse(path, which);
  const RecoveryReport report = recover_dead_journals(*repo.environment);
  set_file_calls(system_file_calls);
  REQUIRE(report.problems.size() == 1);
  CHECK(report.problems[0].find("the journal " + path.string()) == 0);
  CHECK(report.journals_replayed == (which == 2 ? 2 : 1));
  CHECK(repo.points("a", "x").size() == (which == 2 ? results : 0));
  CHECK(repo.points("b", "x", which == 2 ? 2 : 1).size() == results);
  CHECK(std::filesystem::exists(path));
  CHECK_FALSE(std::filesystem::exists(other));
  CHECK(recover_dead_journals(*repo.environment).problems.empty());
  CHECK(repo.points("a", "x", which == 2 ? 1 : 2).size() == results);
  CHECK_FALSE(std::filesystem::exists(path));
}

// What another recovery holds looks alive, so the job that was left last would not be found.
TEST_CASE("AResumedJobWaitsForAnotherRecovery") {
  JournaledRepo repo;
  write_job(*repo.ring, 1, "a");
  repo.new_ring();
  REQUIRE(recover_dead_journals(*repo.environment).journals_replayed == 1);
  write_job(*repo.ring, 2, "a");
  {
    Handover handover;
    Log log{{}, {}, Severity::off};
    BatchCommitter first(repo.environment, *repo.ring, handover, log);
    while (first.commit_batch(false) == BatchCommitter::Step::more) {
    }
  }
  const auto dead = repo.ring->path();
  repo.new_ring();
  write_event(*repo.ring, session(JobToken{3}, 1));
  write_event(*repo.ring, trial("a"));
  write_event(*repo.ring, start("a"));
  Handover handover;
  Log log{{}, {}, Severity::off};
  BatchCommitter batches(repo.environment, *repo.ring, handover, log);
  {
    const UniqueFd recovery =
        open_file(repo.environment->paths().root / "recovery.lock", O_RDWR | O_CREAT);
    const UniqueFd ring = open_file(dead, O_RDWR);
    REQUIRE(::flock(recovery.get(), LOCK_EX | LOCK_NB) == 0);
    REQUIRE(::flock(ring.get(), LOCK_EX | LOCK_NB) == 0);
    batches.recover();
    CHECK(batches.commit_batch(false) == BatchCommitter::Step::failed);
    CHECK(handover.problem().find("another process is replaying") != std::string::npos);
    // It ends in order meanwhile: what is left is for the next opener.
    CHECK(batches.commit_batch(true) == BatchCommitter::Step::failed);
  }
  CHECK(batches.commit_batch(false) == BatchCommitter::Step::idle);
  CHECK_FALSE(handover.failing());
  CHECK(repo.run_row("a", 1).attempts == 1);
  CHECK(repo.run_row("a", 2).attempts == 2);
}

TEST_CASE("TroubleOfTheStoreIsNoJournalsProblem") {
  JournaledRepo repo;
  write_job(*repo.ring, 1, "a");
  const auto path = repo.ring->path();
  repo.new_ring();
  const auto data = repo.environment->paths().data;
  {
    const FileSizeSignalBlocked blocked;
    const FileSizeLimit limit(std::filesystem::file_size(data));
    CHECK_THROWS_AS(recover_dead_journals(*repo.environment), Error);
  }
  CHECK(std::filesystem::exists(path));
  repo.environment->reopen();
  CHECK(recover_dead_journals(*repo.environment).journals_replayed == 1);
  CHECK(repo.points("a", "x").size() == results);
}

TEST_CASE("ACopyOfAJournalHasWhatCanBeRead") {
  JournaledRepo repo;
  write_job(*repo.ring, 1, "a");
  const auto path = repo.ring->path();
  const auto copy = repo.directory / "copy.ring";
  {
    FaultyFile file;
    file.break_sector(4096 + 5000, 4096 + 5001);
    CHECK(copy_journal(path, copy) == 4096);
  }
  repo.new_ring();
  std::filesystem::rename(copy, path);
  const RecoveryReport report = recover_dead_journals(*repo.environment);
  CHECK(report.journals_replayed == 1);
  CHECK(report.records_lost > 0);
  CHECK(report.events_replayed + report.records_lost == 4 + results);
  CHECK(count_losses(repo) == 1);
}

}  // namespace
}  // namespace aimlog::test

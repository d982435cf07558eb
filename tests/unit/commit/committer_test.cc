#include "plugin/commit/committer.h"

#include <fenv.h>
#include <unistd.h>
#ifdef __SSE2__
#include <xmmintrin.h>
#endif

#include <csignal>
#include <filesystem>
#include <fstream>
#include <limits>

#include "plugin/commit/recovery.h"
#include "plugin/journal/dead_ring.h"
#include "plugin/journal/ring_format.h"
#include "plugin/store/journal_table.h"
#include "plugin/store/series_table.h"
#include "tests/support/catch.h"
#include "tests/support/file_size_limit.h"
#include "tests/unit/commit/journaled_repo.h"

namespace aimlog::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::vector<std::string> names = {"x"};
constexpr JobToken token = {7};

CommitterOptions quick_options() {
  CommitterOptions options;
  options.interval = milliseconds(5);
  options.close_timeout = milliseconds(500);
  return options;
}

struct Committing : JournaledRepo {
  explicit Committing(uint64_t ring_bytes = 1 << 20) : JournaledRepo(ring_bytes) {
    write_event(*ring, session(token));
    write_event(*ring, shape(names));
    write_event(*ring, trial("a"));
    write_event(*ring, start("a"));
    committer.emplace(environment, *ring, handover, log, quick_options());
  }

  // Waits for room where there is none, as a host does.
  void report(int64_t step) {
    while (!write_result(*ring, "a", names, {Number::of(static_cast<double>(step))}, step)) {
      handover.wake();
      std::this_thread::sleep_for(milliseconds(1));
    }
  }
  void take_data_away() { std::filesystem::rename(data(), away()); }
  void bring_data_back() { std::filesystem::rename(away(), data()); }
  std::filesystem::path data() const { return environment->paths().data; }
  std::filesystem::path away() const { return data().string() + ".away"; }
  bool wait_durable() { return handover.wait_durable(ring->published_sequence(), seconds(20)); }
  template <typename Condition>
  bool wait_until(Condition&& condition) {
    for (int i = 0; i < 2000 && !condition(); ++i) std::this_thread::sleep_for(milliseconds(5));
    return condition();
  }

  Handover handover;
  Log log{{}, {}, Severity::off};
  std::optional<Committer> committer;
};

TEST_CASE("StopCommitsAllSealsAllAndRemovesTheRing") {
  Committing repo;
  for (int64_t step = 1; step <= 10; ++step) repo.report(step);
  const auto path = repo.ring->path();
  write_event(*repo.ring, CloseEvent{30});
  CHECK(repo.committer->stop(seconds(20)));
  CHECK(repo.committer->finished_clean());
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK(repo.points("a", "x").size() == 10);
  CHECK(repo.run_row("a").status == TrialStatus::stopped);
  const Transaction txn(*repo.environment);
  CHECK_FALSE(find_journal(txn, repo.ring->id()));
  CHECK(get_attempt(txn, 1, 1)->sealed_results == 10);
}

// A host that writes into memory that is not its own may hit the journal.
TEST_CASE("RecordsThatAreDestroyedAtTheEndOfALiveRingAreCounted") {
  Committing repo;
  repo.report(1);
  REQUIRE(repo.wait_durable());
  REQUIRE(repo.committer->stop(seconds(20)));
  repo.committer.reset();
  repo.new_ring();
  write_event(*repo.ring, session({8}));
  write_event(*repo.ring, trial("b"));
  const uint64_t good = repo.ring->writer().published();
  for (int i = 0; i < 3; ++i) write_event(*repo.ring, start("b"));
  std::fstream file(repo.ring->path(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(ring_header_bytes + good));
  file << std::string(repo.ring->writer().published() - good, '\xff') << std::flush;
  const auto path = repo.ring->path();
  Handover handover;
  Committer committer(repo.environment, *repo.ring, handover, repo.log, quick_options());
  CHECK(committer.stop(seconds(20)));
  CHECK(committer.finished_clean());
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK(handover.events_lost() == 3);
  uint64_t lost = 0;
  const Transaction txn(*repo.environment);
  each_loss(txn, [&](const LossRow& row) { lost += row.results + row.others; });
  CHECK(lost == 3);
}

// What waits in it would look alive until the process ends.
TEST_CASE("AThreadThatWasGivenUpLetsItsRingGoWhenItEnds") {
  Committing repo;
  repo.report(1);
  REQUIRE(repo.wait_durable());
  repo.take_data_away();
  repo.report(2);
  CHECK_FALSE(repo.committer->stop(milliseconds(0)));
  CHECK(ring_is_live(repo.ring->path()));
  if (GENERATE(false, true)) std::this_thread::sleep_for(milliseconds(1500));  // it ends first
  repo.committer->abandon();
  CHECK(repo.wait_until([&] { return !ring_is_live(repo.ring->path()); }));
  repo.bring_data_back();
  CHECK(recover_dead_journals(*repo.environment).events_replayed > 0);
  CHECK(repo.points("a", "x").size() == 2);
  CHECK(repo.committer->stop(seconds(20)));
}

TEST_CASE("ARingWithoutARecordLeavesNothing") {
  JournaledRepo repo;
  Handover handover;
  Log log{{}, {}, Severity::off};
  Committer committer(repo.environment, *repo.ring, handover, log, quick_options());
  CHECK(committer.stop(seconds(20)));
  CHECK_FALSE(std::filesystem::exists(repo.ring->path()));
  CHECK(repo.view().empty());
}

TEST_CASE("AProducerAndTheCommitterPassEveryRecordOnOverManyLaps") {
  Committing repo(128 << 10);
  constexpr int64_t results = 20000;
  std::thread producer([&] {
    for (int64_t step = 1; step <= results; ++step) repo.report(step);
  });
  producer.join();
  CHECK(repo.wait_durable());
  CHECK(repo.handover.commits() > 1);
  CHECK(repo.committer->stop(seconds(20)));
  const std::vector<Point> points = repo.points("a", "x");
  REQUIRE(points.size() == results);
  bool in_order = true;
  for (size_t i = 0; i < points.size(); ++i)
    in_order = in_order && points[i].step == static_cast<int64_t>(i) + 1;
  CHECK(in_order);
}

TEST_CASE("ARepoThatIsGoneForAWhileGetsEverythingOnce") {
  Committing repo;
  repo.report(1);
  REQUIRE(repo.wait_durable());
  repo.take_data_away();
  for (int64_t step = 2; step <= 50; ++step) repo.report(step);
  CHECK(repo.wait_until([&] { return repo.handover.failing(); }));
  CHECK(repo.handover.problem().find("removed") != std::string::npos);
  CHECK(repo.ring->used_bytes() > 0);
  repo.bring_data_back();
  CHECK(repo.wait_durable());
  CHECK_FALSE(repo.handover.failing());
  CHECK(repo.handover.commit_errors() > 0);
  CHECK(repo.points("a", "x").size() == 50);
}

TEST_CASE("TheThreadTakesNoSignalsOfTheHost") {
  Committing repo;
  repo.report(1);
  REQUIRE(repo.wait_durable());
  int others = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    if (task.path().filename() == std::to_string(gettid())) continue;
    std::ifstream status(task.path() / "status");
    std::string word;
    while (status >> word && word != "SigBlk:") {
    }
    uint64_t blocked = 0;
    status >> std::hex >> blocked;
    CHECK((blocked >> (SIGUSR1 - 1) & 1) == 1);
    CHECK((blocked >> (SIGXFSZ - 1) & 1) == 1);
    ++others;
  }
  CHECK(others > 0);
}

// LMDB would go on writing into the file that has no name any more, and say that all is well.
// Numerical hosts let the processor end them at such a number, or take small ones for 0.
TEST_CASE("WhatTheHostMakesOfNumbersIsItsOwn") {
  fenv_t before;
  ::fegetenv(&before);
  ::feenableexcept(FE_INVALID | FE_OVERFLOW | FE_DIVBYZERO);
#ifdef __SSE2__
  _mm_setcsr(_mm_getcsr() | 0x8040);  // flush to zero, denormals are zeros
#endif
  {
    Committing repo;
    for (const double number : {1e300, 1e-310, std::numeric_limits<double>::quiet_NaN(),
                                std::numeric_limits<double>::infinity(), -1e300}) {
      write_result(*repo.ring, "a", names, {Number::of(number)}, 1);
    }
    CHECK(repo.wait_durable());
    CHECK(repo.committer->stop(seconds(20)));
    CHECK(repo.committer->finished_clean());
    ::fesetenv(&before);
    CHECK(repo.points("a", "x").size() == 5);
    const Transaction txn(*repo.environment);
    const SummaryMap summaries = get_summaries(txn, 1, 1);
    REQUIRE(summaries.size() == 1);
    CHECK(summaries.begin()->second.nan_count == 1);
  }
}

TEST_CASE("ARepoThatWasRemovedAndMadeAnewIsGone") {
  Committing repo;
  repo.report(1);
  CHECK(repo.wait_durable());
  std::filesystem::remove_all(repo.environment->paths().root);
  const auto anew = Environment::open(repo.directory.path(), OpenMode::create);
  CHECK(anew != repo.environment);
  CHECK_FALSE(repo.environment->is_still_there());
  CHECK(anew->is_still_there());
  repo.report(2);
  CHECK_FALSE(repo.handover.wait_durable(repo.ring->published_sequence(), milliseconds(500)));
  CHECK(repo.wait_until([&] { return repo.handover.failing(); }));
  CHECK(repo.handover.problem().find("replaced") != std::string::npos);
  CHECK(repo.committer->stop(seconds(20)));
  CHECK_FALSE(repo.committer->finished_clean());
}

// It is for whoever opens that repo: replayed into the old one it would be lost.
TEST_CASE("AJournalOfTheRepoThatWasMadeAnewIsLeftAlone") {
  JournaledRepo repo;
  std::filesystem::remove_all(repo.environment->paths().root);
  const auto anew = Environment::open(repo.directory.path(), OpenMode::create);
  repo.new_ring();
  write_event(*repo.ring, session(token));
  write_event(*repo.ring, trial("a"));
  write_event(*repo.ring, start("a"));
  const auto dead = repo.ring->path();
  repo.new_ring();
  Handover handover;
  Log log{{}, {}, Severity::off};
  Committer committer(repo.environment, *repo.ring, handover, log, quick_options());
  CHECK(committer.stop(seconds(20)));
  CHECK(std::filesystem::exists(dead));
  CHECK(recover_dead_journals(*anew).events_replayed >= 3);
}

TEST_CASE("ACommitThatTheDiskRefusesIsDoneOnceLater") {
  Committing repo;
  repo.report(1);
  REQUIRE(repo.wait_durable());
  {
    const FileSizeLimit limit(std::filesystem::file_size(repo.environment->paths().data));
    for (int64_t step = 2; step <= 3000; ++step) repo.report(step);
    CHECK(repo.wait_until([&] { return repo.handover.commit_errors() > 0; }));
  }
  CHECK(repo.wait_durable());
  CHECK(repo.committer->stop(seconds(20)));
  CHECK(repo.points("a", "x").size() == 3000);
}

TEST_CASE("AStoreThatStaysBrokenLeavesTheRingForTheNextOpener") {
  Committing repo;
  repo.report(1);
  REQUIRE(repo.wait_durable());
  repo.take_data_away();
  repo.report(2);
  CHECK(repo.committer->stop(seconds(20)));
  CHECK_FALSE(repo.committer->finished_clean());
  CHECK(std::filesystem::exists(repo.ring->path()));
  repo.bring_data_back();
}

}  // namespace
}  // namespace aimlog::test

#include <random>

#include "plugin/commit/apply_event.h"
#include "plugin/commit/recovery.h"
#include "plugin/store/journal_table.h"
#include "plugin/store/row_group.h"
#include "plugin/store/tail_table.h"
#include "tests/support/catch.h"
#include "tests/unit/commit/journaled_repo.h"

namespace aimlog::test {
namespace {

const std::vector<std::string> names = {"x", "y"};
constexpr JobToken token = {7};

// Applies what the ring holds behind the store's position, at most `records` of it, as one batch.
// Returns how many there were.
uint64_t apply_batch(JournaledRepo& repo, uint64_t records = UINT64_MAX, bool fail = false) {
  uint64_t applied = 0;
  with_write_transaction(*repo.environment, [&](WriteTransaction& txn) {
    JournalImage image(repo.ring->id());
    image.reload(txn);
    const IsLive is_live = [](const RingId&) { return false; };
    EventApplier applier(txn, image, is_live);
    RingPosition position{image.row.applied.sequence, image.row.applied.offset};
    RingRecord record;
    for (applied = 0; applied < records && repo.ring->read(position, record); ++applied) {
      applier.apply(static_cast<EventType>(record.type), record.end.sequence, record.payload);
      position = record.end;
    }
    finish_batch(txn, image, {position.sequence, position.offset}, false);
    if (fail) throw Error(ErrorCode::io, "planted");
  });
  return applied;
}

void begin(Ring& ring, std::initializer_list<std::string> trials, JobToken job = token) {
  write_event(ring, session(job, 1));
  write_event(ring, shape(names));
  for (const std::string& id : trials) {
    write_event(ring, trial(id));
    write_event(ring, start(id));
  }
}

void write_results(Ring& ring, const std::string& id, int64_t first, int64_t last) {
  for (int64_t step = first; step <= last; ++step) {
    const double value = static_cast<double>(step);
    write_result(ring, id, names, {Number::of(value), Number::of(step)}, step);
  }
}

uint64_t sealed(JournaledRepo& repo, const std::string& id) {
  const RunNumber run = repo.run(id);
  const Transaction txn(*repo.environment);
  return get_attempt(txn, run, 1)->sealed_results;
}

size_t count_tails(JournaledRepo& repo) {
  const Transaction txn(*repo.environment);
  size_t tails = 0;
  each_tail(txn, [&](JournalNumber, uint64_t, ByteView) { ++tails; });
  return tails;
}

std::vector<LossRow> losses(JournaledRepo& repo) {
  const Transaction txn(*repo.environment);
  std::vector<LossRow> found;
  each_loss(txn, [&](const LossRow& row) { found.push_back(row); });
  return found;
}

TEST_CASE("RecordsAreAppliedOnceHoweverOftenTheyAreRead") {
  JournaledRepo repo;
  begin(*repo.ring, {"a"});
  write_results(*repo.ring, "a", 1, 10);
  CHECK(apply_batch(repo) == 14);
  const std::string view = repo.view();
  CHECK(apply_batch(repo) == 0);
  CHECK(repo.view() == view);
  CHECK(repo.points("a", "x").size() == 10);
}

TEST_CASE("ABatchThatFailsLeavesNothingAndIsAppliedOnceLater") {
  JournaledRepo repo;
  begin(*repo.ring, {"a"});
  write_results(*repo.ring, "a", 1, 10);
  CHECK_THROWS_AS(apply_batch(repo, UINT64_MAX, true), Error);
  CHECK(repo.view().empty());
  CHECK(apply_batch(repo) == 14);
  CHECK(repo.points("a", "x").size() == 10);
}

TEST_CASE("ARunIsSealedWhenEnoughResultsWait") {
  JournaledRepo repo;
  begin(*repo.ring, {"a", "b"});
  write_results(*repo.ring, "b", 1, 5);
  write_results(*repo.ring, "a", 1, 1023);
  apply_batch(repo);
  CHECK(sealed(repo, "a") == 0);
  write_results(*repo.ring, "a", 1024, 1024);
  apply_batch(repo);
  CHECK(sealed(repo, "a") == 1024);
  CHECK(sealed(repo, "b") == 0);
  CHECK(repo.points("a", "x").size() == 1024);
  CHECK(repo.points("b", "x").size() == 5);
}

// Each with a place for each row would take gigabytes.
TEST_CASE("ManySeriesOfOneResultEachAreSealedInParts") {
  JournaledRepo repo(16 << 20);
  begin(*repo.ring, {"a"});
  constexpr int results = 2000;
  for (int i = 0; i < results; ++i) {
    const std::vector<std::string> names = {"x/" + std::to_string(i), "y/" + std::to_string(i)};
    write_event(*repo.ring, shape(names));
    REQUIRE(write_result(*repo.ring, "a", names, {Number::of(0.5), Number::of(i * 0.5)}, i));
  }
  while (apply_batch(repo) > 0) {
  }
  CHECK(sealed(repo, "a") > 1000);
  size_t chunks = 0;
  const Transaction txn(*repo.environment);
  each_chunk(txn, 1, [&](const ChunkKey&, ByteView bytes) {
    const RowGroupReader reader(bytes);
    CHECK(reader.keys().size() * reader.rows() <= 1 << 20);
    ++chunks;
  });
  CHECK(chunks > 1);
  for (const int i : {0, 700, 999}) {
    const auto points = repo.points("a", "y/" + std::to_string(i));
    REQUIRE(points.size() == 1);
    CHECK(points[0].step == i);
  }
}

TEST_CASE("AWideResultBehindManyNarrowOnesIsSealedApart") {
  JournaledRepo repo(16 << 20);
  begin(*repo.ring, {"a"});
  write_results(*repo.ring, "a", 1, 1000);
  std::vector<std::string> wide;
  std::vector<Number> numbers;
  for (int i = 0; i < 10000; ++i) {
    wide.push_back("class/" + std::to_string(i));
    numbers.push_back(Number::of(i * 0.5));
  }
  write_event(*repo.ring, shape(wide));
  REQUIRE(write_result(*repo.ring, "a", wide, numbers, 1001));
  write_results(*repo.ring, "a", 1002, 1030);
  while (apply_batch(repo) > 0) {
  }
  const Transaction txn(*repo.environment);
  each_chunk(txn, 1, [&](const ChunkKey&, ByteView bytes) {
    const RowGroupReader reader(bytes);
    CHECK(reader.keys().size() * reader.rows() <= 1 << 20);
  });
  CHECK(repo.points("a", "class/9999").size() == 1);
  CHECK(repo.points("a", "x").size() == 1029);
}

TEST_CASE("ATailStaysUntilTheLastOfItsRunsIsSealed") {
  JournaledRepo repo;
  begin(*repo.ring, {"a", "b"});
  for (int64_t i = 0; i < 3; ++i) {
    write_results(*repo.ring, "a", 10 * i, 10 * i + 9);
    write_results(*repo.ring, "b", 10 * i, 10 * i + 9);
    apply_batch(repo);
  }
  CHECK(count_tails(repo) == 3);
  write_event(*repo.ring, end("a"));
  apply_batch(repo);
  CHECK(count_tails(repo) == 3);
  CHECK(sealed(repo, "a") == 30);
  CHECK(repo.points("a", "x").size() == 30);
  CHECK(repo.points("b", "x").size() == 30);
  write_event(*repo.ring, end("b"));
  apply_batch(repo);
  CHECK(count_tails(repo) == 0);
  CHECK(repo.points("b", "x").size() == 30);
}

TEST_CASE("WhenAllTailsAreTooLargeTheOldestRunsAreSealedFirst") {
  JournaledRepo repo(16 << 20);
  begin(*repo.ring, {"old", "new"});
  constexpr size_t text_bytes = 60 * 1000;
  const auto write = [&](const std::string& id, int64_t first, int64_t last) {
    for (int64_t step = first; step <= last; ++step) {
      const MadeResult made(names, {Number::of(step), {}}, step, text_bytes);
      REQUIRE(write_event(*repo.ring, made.event(id)));
      if (step % 100 != 0) continue;
      apply_batch(repo);
      const Transaction txn(*repo.environment);
      const JournalRow row = find_journal(txn, repo.ring->id()).value();
      repo.ring->release({row.applied.sequence, row.applied.offset});
    }
  };
  write("old", 1, 600);
  write("new", 601, 1000);
  CHECK(sealed(repo, "old") == 0);
  write("new", 1001, 1200);  // 72 MB in all
  CHECK(sealed(repo, "old") == 600);
  CHECK(sealed(repo, "new") == 0);
  CHECK(repo.points("old", "x").size() == 600);
  CHECK(repo.points("new", "x").size() == 600);
}

TEST_CASE("ADeadWritersOpenRunsAreCrashedAndItsRingIsGone") {
  JournaledRepo repo;
  begin(*repo.ring, {"ended", "running"});
  write_results(*repo.ring, "running", 1, 3);
  write_event(*repo.ring, end("ended"));
  const auto path = repo.ring->path();
  const auto id = repo.ring->id();
  CHECK(recover_dead_journals(*repo.environment).journals_replayed == 0);
  repo.new_ring();
  const RecoveryReport report = recover_dead_journals(*repo.environment);
  CHECK(report.journals_replayed == 1);
  CHECK(report.runs_crashed == 1);
  CHECK(report.events_replayed == 10);
  CHECK(repo.run_row("ended").status == TrialStatus::completed);
  CHECK(repo.run_row("running").status == TrialStatus::crashed);
  CHECK(repo.run_row("running").closed_by_us);
  CHECK(sealed(repo, "running") == 3);
  CHECK_FALSE(std::filesystem::exists(path));
  const Transaction txn(*repo.environment);
  CHECK_FALSE(find_journal(txn, id));
  CHECK(recover_dead_journals(*repo.environment).journals_replayed == 0);
}

TEST_CASE("AtTheEndOfAResumedJobWhatWaitedIsStoppedAndWhatRanStaysCrashed") {
  JournaledRepo repo;
  begin(*repo.ring, {"paused", "running", "again"});
  write_event(*repo.ring, end("paused", TrialStatus::paused));
  repo.new_ring();
  CHECK(recover_dead_journals(*repo.environment).runs_crashed == 3);
  begin(*repo.ring, {"again"});
  write_event(*repo.ring, ExperimentEndEvent{40, false});
  apply_batch(repo);
  CHECK(repo.run_row("paused").status == TrialStatus::stopped);
  CHECK(repo.run_row("paused").ended_ns == 40);
  CHECK(repo.run_row("running").status == TrialStatus::crashed);
  CHECK(repo.run_row("again").status == TrialStatus::stopped);
}

TEST_CASE("AClosedRingLeavesNoCrash") {
  JournaledRepo repo;
  begin(*repo.ring, {"a"});
  write_event(*repo.ring, CloseEvent{30});
  repo.new_ring();
  CHECK(recover_dead_journals(*repo.environment).runs_crashed == 0);
  CHECK(repo.run_row("a").status == TrialStatus::stopped);
}

TEST_CASE("AGapIsStoredAsALoss") {
  JournaledRepo repo;
  begin(*repo.ring, {"a"});
  write_event(*repo.ring, GapEvent{5, 6, 12, 3});
  apply_batch(repo);
  REQUIRE(losses(repo).size() == 1);
  const LossRow loss = losses(repo)[0];
  CHECK(loss.kind == LossKind::dropped);
  CHECK((loss.results == 12 && loss.others == 3 && loss.first_ns == 5 && loss.last_ns == 6));
}

TEST_CASE("ARecordWithADamagedValueInsideIsCountedAndNeverBecomesARow") {
  JournaledRepo repo;
  Ring& ring = *repo.ring;
  begin(ring, {"a"});
  StartEvent damaged;
  damaged.trial = trial_key("a");
  damaged.params = "\x63 is no tag";
  write_event(ring, damaged);
  ResultView view;
  view.numbers = {Number(), Number::of(1.0)};
  view.objects = {ByteView("\x63", 1), ByteView()};
  const Bytes result = encode_result(view);
  write_event(ring, ResultEvent{trial_key("a"), shape_hash({}, names), result});
  write_results(ring, "a", 1, 2);
  apply_batch(repo);
  REQUIRE(losses(repo).size() == 1);
  CHECK(losses(repo)[0].kind == LossKind::undecodable);
  CHECK((losses(repo)[0].results == 1 && losses(repo)[0].others == 1));
  const RunNumber run = repo.run("a");
  const Transaction txn(*repo.environment);
  CHECK(!get_params(txn, run));
  CHECK(read_objects(txn, Tails(txn), run).empty());
}

TEST_CASE("RecordsThatCannotBePlacedAreCountedAndHoldUpNothing") {
  JournaledRepo repo;
  Ring& ring = *repo.ring;
  begin(ring, {"a"});
  write_payload(ring, EventType::result, "no result");
  write_payload(ring, static_cast<EventType>(99), "from a later version");
  write_result(ring, "a", {"never", "announced"}, {Number::of(1.0), Number::of(1.0)}, 1);
  write_result(ring, "stranger", names, {Number::of(1.0), Number::of(1.0)}, 1);
  write_event(ring, end("stranger"));
  const MadeResult narrow(names, {Number::of(1.0)}, 1);  // one column where its shape has two
  write_event(ring, narrow.event("a"));
  write_results(ring, "a", 1, 2);
  apply_batch(repo);
  CHECK(repo.points("a", "x").size() == 2);
  REQUIRE(losses(repo).size() == 1);
  CHECK(losses(repo)[0].kind == LossKind::undecodable);
  CHECK(losses(repo)[0].results == 4);
  CHECK(losses(repo)[0].others == 2);
}

// ---- Random histories

Number random_number(std::mt19937& random) {
  switch (random() % 6) {
    case 0:
      return Number::of(std::nan(""));
    case 1:
      return Number::of(static_cast<int64_t>(random() % 9) - 4);
    case 2:
      return Number::of(uint64_t{random() % 9});
    case 3:
      return Number::of(random() % 2 == 0);
    case 4:
      return random() % 2 == 0 ? Number{} : Number::of(INFINITY);
    default:
      return Number::of(static_cast<double>(random() % 100) / 8);
  }
}

// Starts, results whose steps rise, fall and come twice, failures, pauses and ends of two trials.
void write_random_events(Ring& ring, std::mt19937& random) {
  begin(ring, {"a", "b"});
  int64_t step = 0;
  for (size_t i = 0; i < 60; ++i) {
    const std::string id = random() % 2 == 0 ? "a" : "b";
    switch (random() % 16) {
      case 0:
        write_event(ring, start(id));
        break;
      case 1:
        write_event(ring, end(id, random() % 2 == 0 ? TrialStatus::paused : TrialStatus::stopped));
        break;
      case 2:
        write_event(ring, FailureEvent{trial_key(id), 15, random() % 4 == 0, 0, "why"});
        break;
      default:
        step += static_cast<int64_t>(random() % 5) - 1;
        write_result(ring, id, names, {random_number(random), random_number(random)}, step);
    }
  }
  if (random() % 2 == 0) write_event(ring, ExperimentEndEvent{16, false});
}

void check_summaries(JournaledRepo& repo) {
  const Transaction txn(*repo.environment);
  const Tails tails(txn);
  each_run(txn, [&](RunNumber run, const RunRow&) {
    for (const auto& [key, summary] : read_summaries(txn, tails, run)) {
      SeriesSummary computed;
      for (const Point& point : read_points(txn, tails, run, key))
        computed.add(point.step, point.value);
      CHECK(summary.count == computed.count);
      CHECK(summary.nan_count == computed.nan_count);
      CHECK(summary.infinite_count == computed.infinite_count);
      CHECK((summary.first == computed.first && summary.last == computed.last));
      CHECK((summary.min == computed.min && summary.max == computed.max));
      CHECK((summary.min_step == computed.min_step && summary.max_step == computed.max_step));
      CHECK((summary.last_step == computed.last_step));
    }
  });
}

// Several journals of one job, each applied in batches of `records`; the writers of some die.
std::string apply_random_history(unsigned seed, uint64_t records) {
  JournaledRepo repo;
  std::mt19937 random(seed);
  for (size_t journal = 0; journal < 3; ++journal) {
    write_random_events(*repo.ring, random);
    if (random() % 2 == 0) write_event(*repo.ring, CloseEvent{17});
    while (apply_batch(repo, records) > 0) {
    }
    check_summaries(repo);
    repo.new_ring();
    recover_dead_journals(*repo.environment);
    check_summaries(repo);
  }
  return repo.view();
}

TEST_CASE("HoweverARandomHistoryIsCutIntoBatchesTheViewIsTheSame") {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    CAPTURE(seed);
    const std::string whole = apply_random_history(seed, UINT64_MAX);
    CHECK(whole.size() > 1000);
    CHECK(apply_random_history(seed, 7) == whole);
    CHECK(apply_random_history(seed + 100, UINT64_MAX) != whole);
  }
}

}  // namespace
}  // namespace aimlog::test

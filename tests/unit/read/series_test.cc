#include <sched.h>

#include <cmath>
#include <random>

#include "plugin/read/series_source.h"
#include "tests/support/catch.h"
#include "tests/unit/read/arrow_rows.h"
#include "tests/unit/read/made_repo.h"

namespace aimlog::test {
namespace {

Number real(double value) { return Number::of(value); }
Number whole(int64_t value) { return Number::of(value); }

SeriesRequest asking(const std::string& metric) {
  SeriesRequest request;
  request.metric = metric;
  return request;
}

ArrowTable series(const MadeRepo& repo, const SeriesRequest& request) {
  return read_stream(series_source(repo.open(), request));
}

Number random_number(std::mt19937& random) {
  switch (random() % 8) {
    case 0:
      return Number{};
    case 1:
      return real(std::nan(""));
    case 2:
      return whole((int64_t{1} << 53) + 1);
    default:
      return real(static_cast<double>(random() % 100) / 8);
  }
}

// Attempts that go back or on, repeated steps, changes of the journal.
std::vector<MadePoint> random_history(std::mt19937& random) {
  std::vector<MadePoint> history;
  MadePoint point;
  for (size_t i = 0, count = random() % 40; i < count; ++i) {
    if (random() % 10 == 0) {
      ++point.attempt;
      point.step -= static_cast<int64_t>(random() % 8);
    }
    if (random() % 10 == 0) {
      ++point.journal;
      point.sequence = 0;
    }
    point.step += static_cast<int64_t>(random() % 4) - (random() % 5 == 0 ? 1 : 0);
    ++point.sequence;
    point.value = random_number(random);
    point.epoch = random() % 3 == 0 ? Number{} : whole(point.step / 10);
    history.push_back(point);
  }
  return history;
}

// What the answer must say of a point, by the views that the command uses.
std::string expected_text(const Point& point) {
  const auto value = real(point.value.as_double());
  const bool exact = value.is_nan() || compare(value, point.value) == 0;
  return std::to_string(point.attempt) + " " + std::to_string(point.step) + " " + to_text(value) +
         " " + std::to_string(point.time_ns) + " " +
         (point.epoch.exists() ? to_text(real(point.epoch.as_double())) : "null") + " " +
         (exact ? "null" : to_text(point.value));
}

std::string row_text(const ArrowRow& row) {
  const auto exact = row.find("exact");
  return row.at("attempt") + " " + row.at("step") + " " + row.at("value") + " " + row.at("time") +
         " " + row.at("epoch") + " " + (exact == row.end() ? "null" : exact->second);
}

TEST_CASE("SeriesAreWhatTheViewsSay", "[read]") {
  std::mt19937 random(11);
  for (int round = 0; round < 60; ++round) {
    const std::vector<MadePoint> history = random_history(random);
    if (history.empty()) continue;
    MadeRepo repo;
    const RunNumber run = repo.add("t", history.back().attempt);
    const auto sealed = static_cast<long>(random() % (history.size() + 1));
    repo.put_unsealed(run, "loss", history);
    repo.put_sealed(run, "loss", {history.begin(), history.begin() + sealed});
    const Transaction txn(*repo.environment);
    const auto all = read_all_points(txn, Tails(txn), run, SeriesKey{*find_name(txn, "loss"), 0});
    if (all.empty()) continue;
    for (const bool all_attempts : {false, true}) {
      const auto expected = all_attempts ? all : default_view(all);
      SeriesRequest request = asking("loss");
      request.all_attempts = all_attempts;
      // Some of these values are whole and some are not; a value column of doubles is compared.
      const bool mixed = std::any_of(all.begin(), all.end(), [&](const Point& each) {
        return each.value.type != all.front().value.type;
      });
      const ArrowTable table = series(repo, request);
      REQUIRE(table.problem.empty());
      REQUIRE((table.formats.count("exact") != 0) == mixed);
      if (!mixed && table.formats.at("value") != "g") continue;
      REQUIRE(table.rows.size() == expected.size());
      for (size_t i = 0; i < expected.size(); ++i)
        CHECK(row_text(table.rows[i]) == expected_text(expected[i]));
    }
  }
}

TEST_CASE("AnAnswerIsTheRepoAtOneMoment", "[read]") {
  MadeRepo repo;
  const RunNumber run = repo.add("t", 1);
  const std::vector<MadePoint> points = {
      {1, 1, 1, 1, real(0.5)}, {1, 1, 2, 2, real(0.25)}, {1, 1, 3, 3, real(0.125)}};
  repo.put_unsealed(run, "loss", points);
  repo.put_sealed(run, "loss", {points[0]});
  auto source = series_source(repo.open(), asking("loss"));
  // Meanwhile a point moves into a chunk, and more come, of another type.
  repo.put_sealed(run, "loss", {points[1]});
  repo.put_unsealed(run, "loss", {{1, 1, 4, 4, whole(7)}});
  const ArrowTable table = read_stream(std::move(source));
  REQUIRE(table.rows.size() == 3);
  CHECK(table.rows[1].at("value") == "0.25");
  CHECK(table.rows[2].at("value") == "0.125");
  CHECK(series(repo, asking("loss")).rows.size() == 4);
}

TEST_CASE("ValuesKeepTheirTypeWhereAllHaveIt", "[read]") {
  MadeRepo repo;
  const RunNumber run = repo.add("t", 1);
  const int64_t odd = (int64_t{1} << 53) + 1;
  repo.put_sealed(run, "count", {{1, 1, 1, 1, whole(odd)}, {1, 1, 2, 2, whole(-1)}});
  repo.put_sealed(run, "huge", {{1, 2, 1, 1, Number::of(UINT64_MAX)}});
  repo.put_sealed(run, "done", {{1, 3, 1, 1, Number::of(false)}, {1, 3, 2, 2, Number::of(true)}});
  repo.put_sealed(run, "odd", {{1, 4, 1, 1, whole(odd)}, {1, 4, 2, 2, real(0.5)}});
  CHECK(series(repo, asking("count")).formats.at("value") == "l");
  CHECK(series(repo, asking("count")).rows[0].at("value") == std::to_string(odd));
  CHECK(series(repo, asking("huge")).rows[0].at("value") == std::to_string(UINT64_MAX));
  CHECK(series(repo, asking("done")).formats.at("value") == "b");
  CHECK(series(repo, asking("done")).rows[1].at("value") == "true");
  const ArrowTable odds = series(repo, asking("odd"));
  CHECK(odds.formats.at("value") == "g");
  CHECK(odds.rows[0].at("exact") == std::to_string(odd));
  CHECK(odds.rows[1].at("exact") == "null");
}

TEST_CASE("ContextsAreToldApart", "[read]") {
  MadeRepo repo;
  const RunNumber run = repo.add("t", 1);
  const Bytes val = encoded(Value{ValueMap{{"subset", word("val")}, {"fold", Value{whole(3)}}}});
  repo.put_sealed(run, "loss", {{1, 1, 1, 1, real(1.5)}});
  repo.put_unsealed(run, "loss", {{1, 2, 1, 1, real(2.5)}}, val);
  SeriesRequest request = asking("loss");
  CHECK(series(repo, request).rows.size() == 2);
  request.context.emplace_back("subset", "val");
  const ArrowTable only = series(repo, request);
  REQUIRE(only.rows.size() == 1);
  CHECK(only.rows[0].at("context") == "subset=val,fold=3");
  CHECK(only.rows[0].at("run") == make_run_id({1}, "t").hex());
  request.exact_context = true;
  CHECK_THROWS_AS(series(repo, request), LookupError);
  request.context.clear();
  CHECK(series(repo, request).rows[0].at("context") == "null");
  request.exact_context = false;
  request.context.emplace_back("subset", "test");
  CHECK_THROWS_WITH(series(repo, request), Catch::Contains("loss{subset=val,fold=3}"));
}

TEST_CASE("ManySmallSeriesShareABatchAndALargeOneIsInOnePiece", "[read]") {
  MadeRepo repo;
  std::vector<MadePoint> points;
  for (uint64_t i = 0; i < 4000; ++i)
    points.push_back({1, 1, i + 1, static_cast<int64_t>(i), real(0.1)});
  for (int trial = 0; trial < 3; ++trial)
    repo.put_sealed(repo.add("small" + std::to_string(trial), 1), "loss", {points[0]});
  const RunNumber large = repo.add("large", 1);
  for (JournalNumber journal = 1; journal <= 17; ++journal) {
    for (MadePoint& point : points) {
      point.journal = journal;
      point.step += 4000;
    }
    repo.put_sealed(large, "loss", points);
  }
  repo.put_sealed(repo.add("after", 1), "loss", {points[0]});
  const ArrowTable table = series(repo, asking("loss"));
  CHECK(table.rows.size() == 17 * 4000 + 4);
  CHECK(table.batches == 2);
}

// A series that is long enough is taken apart by several threads, where there are cores.
TEST_CASE("AnAnswerIsTheSameFromOneCoreAndFromAll", "[read]") {
  MadeRepo repo;
  std::mt19937 random(7);
  const RunNumber run = repo.add("t", 3);
  uint64_t sequence = 0;
  for (JournalNumber journal = 1; journal <= 52; ++journal) {
    std::vector<MadePoint> points;
    for (int i = 0; i < 4000; ++i) {
      ++sequence;
      const auto step = static_cast<int64_t>(sequence) - (journal > 40 ? 50'000 : 0);
      const Number value = random() % 50 == 0 ? whole(3) : real(0.001 * (random() % 5000));
      points.push_back({journal > 40 ? 2u : 1u, journal, sequence, step, value, whole(step / 9)});
    }
    repo.put_sealed(run, "loss", points);
  }
  repo.put_unsealed(run, "loss", {{3, 53, sequence + 1, 7, real(1)}});
  const auto rows = [&] {
    const ArrowTable table = series(repo, asking("loss"));
    REQUIRE(table.problem.empty());
    std::vector<std::string> texts;
    for (const ArrowRow& row : table.rows) texts.push_back(row_text(row));
    return texts;
  };
  const std::vector<std::string> from_all = rows();
  cpu_set_t all, one;
  REQUIRE(sched_getaffinity(0, sizeof all, &all) == 0);
  CPU_ZERO(&one);
  CPU_SET(static_cast<size_t>(sched_getcpu()), &one);
  REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
  const std::vector<std::string> from_one = rows();
  REQUIRE(sched_setaffinity(0, sizeof all, &all) == 0);
  CHECK(from_one == from_all);
  const Transaction txn(*repo.environment);
  const auto expected = read_points(txn, Tails(txn), run, SeriesKey{*find_name(txn, "loss"), 0});
  REQUIRE(from_all.size() == expected.size());
  size_t differing = 0;
  for (size_t i = 0; i < expected.size(); ++i)
    differing += from_all[i] != expected_text(expected[i]) ? 1 : 0;
  CHECK(differing == 0);
}

TEST_CASE("ADamagedChunkEndsTheStreamWithAText", "[read]") {
  MadeRepo repo;
  const RunNumber run = repo.add("t", 1);
  repo.put_sealed(run, "loss", {{1, 1, 1, 1, real(0.5)}});
  auto source = series_source(repo.open(), asking("loss"));
  with_write_transaction(*repo.environment, [&](WriteTransaction& txn) {
    put_chunk(txn, {run, 1, 1, 1}, "nonsense");
  });
  CHECK(read_stream(std::move(source)).problem.find("chunk") != std::string::npos);
}

TEST_CASE("AnUnknownMetricNamesTheNearest", "[read]") {
  MadeRepo repo;
  repo.put_unsealed(repo.add("t", 1), "accuracy", {{1, 1, 1, 1, real(0.5)}});
  CHECK_THROWS_WITH(series(repo, asking("acuracy")), Catch::Contains("did you mean 'accuracy'?"));
}

}  // namespace
}  // namespace aimlog::test

#include "plugin/store/run_view.h"

#include <cmath>
#include <random>

#include "plugin/model/result_codec.h"
#include "plugin/store/keys.h"
#include "plugin/store/name_table.h"
#include "plugin/store/row_group.h"
#include "plugin/store/run_table.h"
#include "plugin/store/tail_table.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace aimlog::test {
namespace {

constexpr uint32_t metrics = 3;
constexpr RunNumber run_number = 1;

// One result of a made-up history, as the committer would have it.
struct MadeResult {
  uint32_t attempt = 0;
  JournalNumber journal = 0;
  uint64_t sequence = 0;
  int64_t step = 0;
  std::vector<Number> values;  // one a metric; none = not reported
};

struct Repo {
  TempDir dir;
  std::shared_ptr<Environment> env = Environment::open(dir.path(), OpenMode::create);
  std::vector<SeriesKey> keys;
  ShapeNumber shape = 0;
};

Number random_number(std::mt19937& random) {
  switch (random() % 12) {
    case 0:
      return Number::of(std::nan(""));
    case 1:
      return Number::of(random() % 2 == 0 ? INFINITY : -INFINITY);
    case 2:
      return Number::of(static_cast<int64_t>(random() % 100) - 50);
    case 3:
      return Number::of(uint64_t{random() % 100});
    case 4:
      return Number::of(random() % 2 == 0);
    case 5:
      return Number{};
    default:
      return Number::of(static_cast<double>(random() % 200) / 8 + 0.1);
  }
}

// Attempts that go back or go on, repeated steps, a change of the journal within an attempt.
std::vector<MadeResult> random_history(std::mt19937& random) {
  std::vector<MadeResult> history;
  const uint32_t attempts = 1 + random() % 3;
  const bool tidy = random() % 3 == 0;  // all steps rise: summaries are used as stored
  JournalNumber journal = 1;
  uint64_t sequence = 0;
  int64_t step = 0;
  for (uint32_t attempt = 1; attempt <= attempts; ++attempt) {
    if (!tidy && random() % 2 == 0) step -= static_cast<int64_t>(random() % 10);
    const size_t results = random() % 12;
    for (size_t i = 0; i < results; ++i) {
      if (random() % 8 == 0) {
        ++journal;
        sequence = 0;
      }
      step += tidy ? 1 : static_cast<int64_t>(random() % 4) - 1;
      MadeResult made{attempt, journal, ++sequence, step, {}};
      for (uint32_t m = 0; m < metrics; ++m) made.values.push_back(random_number(random));
      history.push_back(std::move(made));
    }
  }
  return history;
}

Bytes encoded(const MadeResult& made) {
  ResultView view;
  view.step = made.step;
  view.time_ns = made.step * 1000;
  view.numbers = made.values;
  view.objects.resize(made.values.size());
  static const Bytes null_value = [] {
    Bytes bytes;
    append_value(bytes, Value{});
    return bytes;
  }();
  for (size_t i = 0; i < made.values.size(); ++i)
    if (!made.values[i].exists()) view.objects[i] = null_value;
  return encode_result(view);
}

// Rows of one attempt and journal as a chunk, and their summaries.
void seal(WriteTransaction& txn, const Repo& repo, const std::vector<MadeResult>& rows) {
  RowGroup group;
  group.first_sequence = rows.front().sequence;
  group.last_sequence = rows.back().sequence;
  SummaryMap summaries = get_summaries(txn, run_number, rows.front().attempt);
  for (const SeriesKey& key : repo.keys) group.columns.push_back({key, {}});
  for (const MadeResult& row : rows) {
    group.steps.push_back(row.step);
    group.times_ns.push_back(row.step * 1000);
    group.epochs.push_back({});
    for (size_t m = 0; m < metrics; ++m) {
      group.columns[m].values.push_back(row.values[m]);
      if (row.values[m].exists()) summaries[repo.keys[m]].add(row.step, row.values[m]);
    }
  }
  const MadeResult& first = rows.front();
  put_chunk(txn, {run_number, first.attempt, first.journal, first.sequence},
            encode_row_group(group));
  put_summaries(txn, run_number, first.attempt, summaries);
  put_seal(txn, first.journal, run_number, rows.back().sequence);
  AttemptRow attempt = get_attempt(txn, run_number, first.attempt).value_or(AttemptRow{});
  attempt.sealed_results += rows.size();
  put_attempt(txn, run_number, first.attempt, attempt);
}

// Writes all rows as tails and seals the first `sealed` of them.
void write_history(WriteTransaction& txn, Repo& repo, const std::vector<MadeResult>& history,
                   size_t sealed) {
  ShapeRow shape;
  repo.keys.clear();
  for (uint32_t m = 0; m < metrics; ++m) {
    shape.names.push_back(intern_name(txn, "m" + std::to_string(m)));
    repo.keys.push_back({shape.names.back(), 0});
  }
  repo.shape = put_shape(txn, shape);
  RunRow run;
  run.job = 1;
  run.trial_id = "t";
  run.attempts = history.empty() ? 0 : history.back().attempt;
  REQUIRE(add_run(txn, trial_key("t"), run) == run_number);
  for (uint32_t a = 1; a <= run.attempts; ++a) put_attempt(txn, run_number, a, {});

  std::map<JournalNumber, Bytes> tails;
  for (const MadeResult& row : history)
    append_tail_row(tails[row.journal],
                    {run_number, row.attempt, row.sequence, repo.shape, encoded(row)});
  ZstdCompressor zstd;
  for (const auto& [journal, rows] : tails) put_tail(txn, journal, 1, rows, zstd);
  for (size_t begin = 0; begin < sealed;) {
    size_t end = begin;
    while (end < sealed && history[end].attempt == history[begin].attempt &&
           history[end].journal == history[begin].journal)
      ++end;
    seal(txn, repo,
         {history.begin() + static_cast<long>(begin), history.begin() + static_cast<long>(end)});
    begin = end;
  }
}

// The default view in the plainest way: later results take the place of earlier ones.
std::map<int64_t, Number> expected_view(const std::vector<MadeResult>& history, size_t metric) {
  std::map<int64_t, Number> view;
  for (const MadeResult& row : history)
    if (row.values[metric].exists()) view[row.step] = row.values[metric];
  return view;
}

void check_summary(SeriesSummary stored, const std::map<int64_t, Number>& view) {
  SeriesSummary computed;
  for (const auto& [step, value] : view) computed.add(step, value);
  const double mean = computed.mean(), stored_mean = stored.mean();
  CHECK(std::isnan(mean) == std::isnan(stored_mean));
  if (!std::isnan(mean))
    CHECK(std::abs(mean - stored_mean) <= 1e-12 * std::max(std::abs(mean), 1e-3));
  computed.finite_sum = stored.finite_sum = 0;
  computed.finite_sum_low = stored.finite_sum_low = 0;
  CHECK(stored == computed);
}

void check_history(const std::vector<MadeResult>& history, size_t sealed) {
  Repo repo;
  with_write_transaction(*repo.env,
                         [&](WriteTransaction& txn) { write_history(txn, repo, history, sealed); });
  const Transaction txn(*repo.env);
  const Tails tails(txn);
  const SummaryMap summaries = read_summaries(txn, tails, run_number);
  size_t seen = 0;
  for (size_t m = 0; m < metrics; ++m) {
    const auto view = expected_view(history, m);
    std::map<int64_t, Number> read;
    for (const Point& point : read_points(txn, tails, run_number, repo.keys[m]))
      read[point.step] = point.value;
    CHECK(read == view);
    const auto summary = summaries.find(repo.keys[m]);
    REQUIRE((summary == summaries.end()) == view.empty());
    if (view.empty()) continue;
    ++seen;
    check_summary(summary->second, view);
    CHECK(read_summaries(txn, tails, run_number, std::vector{repo.keys[m]}).size() == 1);
  }
  CHECK(summaries.size() == seen);
  uint64_t results = 0;
  for (uint32_t a = 1; a <= 3; ++a) results += read_result_count(txn, tails, run_number, a);
  CHECK(results == history.size());
}

Number number(double value) { return Number::of(value); }

}  // namespace

TEST_CASE("SummariesEqualWhatTheirPointsSay") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    const auto history = random_history(random);
    check_history(history, history.empty() ? 0 : random() % (history.size() + 1));
  }
}

// The planted fault of the test above: joining attempts that overlap gives another summary.
TEST_CASE("AnAttemptThatGoesBackIsNotSummedTwice") {
  SeriesSummary first, second;
  for (const int64_t step : {1, 2, 3}) first.add(step, number(1.0));
  for (const int64_t step : {2, 3, 4}) second.add(step, number(2.0));
  SeriesSummary joined = first;
  joined.append(second);
  CHECK(joined.count == 6);
  CHECK_FALSE(joined.steps_rise);
  std::vector<MadeResult> history;
  uint64_t sequence = 0;
  for (const int64_t step : {1, 2, 3})
    history.push_back({1, 1, ++sequence, step, {number(1.0), {}, {}}});
  for (const int64_t step : {2, 3, 4})
    history.push_back({2, 1, ++sequence, step, {number(2.0), {}, {}}});
  for (size_t sealed = 0; sealed <= history.size(); ++sealed) check_history(history, sealed);
}

TEST_CASE("RowsOfALaterJournalMaySealFirst") {
  Repo repo;
  const std::vector<MadeResult> history = {{1, 2, 1, 5, {number(2.0), {}, {}}},
                                           {1, 1, 7, 5, {number(1.0), {}, {}}}};
  with_write_transaction(*repo.env,
                         [&](WriteTransaction& txn) { write_history(txn, repo, history, 1); });
  const Transaction txn(*repo.env);
  const Tails tails(txn);
  const auto points = read_all_points(txn, tails, run_number, repo.keys[0]);
  REQUIRE(points.size() == 2);
  CHECK(points[0].value == number(1.0));  // journal 1 came before journal 2
  REQUIRE(read_points(txn, tails, run_number, repo.keys[0]).size() == 1);
  CHECK(read_summaries(txn, tails, run_number).at(repo.keys[0]).last == number(2.0));
}

TEST_CASE("ARowThatIsFoundUnderNoKeyIsNotMissingInSilence") {
  for (const Table table : {Table::series, Table::attempts}) {
    const TempDir dir;
    const auto env = Environment::open(dir.path(), OpenMode::create);
    const Key key = std::move(Key().add(run_number).add(uint32_t{1}));
    with_write_transaction(*env, [&](WriteTransaction& txn) {
      AttemptRow row;
      row.sealed_results = 3;
      put_attempt(txn, run_number, 1, row);
      put_summaries(txn, run_number, 1, {});
    });
    CHECK(read_sealed_summaries(Transaction(*env), run_number, 1).empty());
    CHECK(read_attempt(Transaction(*env), run_number, 1, 1)->sealed_results == 3);
    with_write_transaction(*env, [&](WriteTransaction& txn) { CHECK(txn.erase(table, key)); });
    const Transaction txn(*env);
    if (table == Table::series)
      CHECK_THROWS_WITH(read_sealed_summaries(txn, run_number, 1), Catch::Contains("repair"));
    else
      CHECK_THROWS_WITH(read_attempt(txn, run_number, 1, 1), Catch::Contains("repair"));
  }
  // Of an earlier attempt that was not imported there is nothing at all.
  const TempDir dir;
  const auto env = Environment::open(dir.path(), OpenMode::create);
  CHECK_FALSE(read_attempt(Transaction(*env), run_number, 1, 2));
}

TEST_CASE("OfAChunkOutsideTheStepsOnlyTheStepsAreRead") {
  Repo repo;
  std::vector<MadeResult> history;
  for (int64_t step = 1; step <= 60; ++step)
    history.push_back({1, 1, static_cast<uint64_t>(step), step, {number(0.1), {}, {}}});
  const auto value_of = [](int64_t step) { return Number::of(1.0 / static_cast<double>(step)); };
  with_write_transaction(*repo.env, [&](WriteTransaction& txn) {
    write_history(txn, repo, history, 0);
    for (uint64_t begin : {0u, 20u, 40u}) {
      RowGroup group;
      group.first_sequence = begin + 1;
      group.last_sequence = begin + 20;
      group.columns.push_back({repo.keys[0], {}});
      for (auto step = static_cast<int64_t>(begin) + 1001;
           step <= 1020 + static_cast<int64_t>(begin); ++step) {
        group.steps.push_back(step);
        group.times_ns.push_back(step);
        group.epochs.emplace_back();
        group.columns[0].values.push_back(value_of(step));
      }
      Bytes encoded = encode_row_group(group);
      if (begin == 20) encoded[encoded.size() - 10] ^= 1;  // within the values, whose part is last
      put_chunk(txn, {run_number, 1, 1, begin + 1}, encoded);
    }
  });
  const Transaction txn(*repo.env);
  const Tails tails(txn);
  const std::vector<SeriesKey> keys = {repo.keys[0]};
  const auto steps_of = [&](StepRange range) {
    std::vector<int64_t> steps;
    for (const auto& [key, points] : read_all_points(txn, tails, run_number, keys, range)) {
      for (const Point& point : points) {
        if (point.step > 1000) CHECK(point.value == value_of(point.step));
        steps.push_back(point.step);
      }
    }
    return steps;
  };
  CHECK(steps_of({1003, 1004}) == std::vector<int64_t>{1003, 1004});
  CHECK(steps_of({1041, 1041}) == std::vector<int64_t>{1041});
  CHECK(steps_of({59, 1001}) == std::vector<int64_t>{1001, 59, 60});
  CHECK(steps_of({1061, 2000}).empty());
  CHECK(steps_of({7, 6}).empty());
  CHECK_THROWS_AS(steps_of({1001, 1021}), Error);  // now the damaged values are needed
}

TEST_CASE("WhatIsNoNumberKeepsItsLastValueAndItsCount") {
  Repo repo;
  const std::vector<MadeResult> history = {{1, 1, 1, 1, {{}, number(1.0), number(1.0)}},
                                           {1, 1, 2, 2, {{}, number(1.0), number(1.0)}}};
  with_write_transaction(*repo.env, [&](WriteTransaction& txn) {
    write_history(txn, repo, history, 0);
    ObjectRow before;
    before.key = repo.keys[0];
    before.count = 3;
    put_objects(txn, run_number, {{repo.keys[0], before}});
  });
  const Transaction txn(*repo.env);
  const auto objects = read_objects(txn, Tails(txn), run_number);
  REQUIRE(objects.size() == 1);
  CHECK(objects.at(repo.keys[0]).count == 5);
  CHECK(objects.at(repo.keys[0]).last_step == 2);
  CHECK(decode_value(objects.at(repo.keys[0]).last_value).is_null());
}

}  // namespace aimlog::test

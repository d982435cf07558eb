#include <cmath>
#include <limits>
#include <random>

#include "plugin/base/random.h"
#include "plugin/store/job_table.h"
#include "plugin/store/journal_table.h"
#include "plugin/store/name_table.h"
#include "plugin/store/row_codec.h"
#include "plugin/store/run_rows.h"
#include "plugin/store/run_table.h"
#include "plugin/store/series_table.h"
#include "plugin/store/tail_codec.h"
#include "plugin/store/tail_table.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace aimlog::test {
namespace {

constexpr int64_t hour = 3600;

struct Repo {
  TempDir dir;
  std::shared_ptr<Environment> env = Environment::open(dir.path(), OpenMode::create);
  template <typename Work>
  void write(const Work& work) {
    with_write_transaction(*env, work);
  }
};

RunRow run_row(JobNumber job, const std::string& id) {
  RunRow row;
  row.job = job;
  row.id = *RunId::from_hex(id);
  row.trial_id = "trial " + id;
  return row;
}

}  // namespace

TEST_CASE("SummariesComeBackBitForBit") {
  std::mt19937_64 random(9);
  SummaryMap summaries;
  for (uint32_t name = 1; name < 400; ++name) {
    SeriesSummary& summary = summaries[{name, static_cast<ContextId>(random() % 3)}];
    for (uint64_t i = 0; i < name % 5; ++i) {
      const auto real = std::bit_cast<double>(random());
      const Number values[] = {Number::of(real),
                               Number::of(-0.0),
                               Number::of(std::nan("")),
                               Number::of(static_cast<double>(static_cast<float>(i) / 3)),
                               Number::of(static_cast<double>(i * 7)),
                               Number::of(static_cast<int64_t>(random())),
                               Number::of(random()),
                               Number::of(i % 2 == 0),
                               Number::of(-std::numeric_limits<double>::infinity())};
      summary.add(static_cast<int64_t>(name % 7 == 0 ? random() : i), values[random() % 9]);
    }
  }
  TempDir dir;
  const auto env = Environment::open(dir.path(), OpenMode::create);
  with_write_transaction(*env, [&](WriteTransaction& txn) { put_summaries(txn, 1, 2, summaries); });
  const SummaryMap back = get_summaries(Transaction(*env), 1, 2);
  REQUIRE(back.size() == summaries.size());
  for (const auto& [key, summary] : summaries) {
    const SeriesSummary& other = back.at(key);
    CHECK(std::bit_cast<uint64_t>(other.finite_sum) == std::bit_cast<uint64_t>(summary.finite_sum));
    CHECK(std::bit_cast<uint64_t>(other.finite_sum_low) ==
          std::bit_cast<uint64_t>(summary.finite_sum_low));
    SeriesSummary same = other;
    same.finite_sum = summary.finite_sum;  // NaN is not equal to itself
    same.finite_sum_low = summary.finite_sum_low;
    CHECK(same == summary);
  }
}

TEST_CASE("TailsOfRowsOfAnyLengthComeBackInOrder") {
  std::mt19937_64 random(10);
  Bytes rows;
  for (uint64_t i = 0; i < 500; ++i) {
    Bytes result(i % 50 < 30 ? 40 : random() % 60, '\0');
    for (char& byte : result) byte = static_cast<char>(random() % 7);
    append_tail_row(rows, {static_cast<RunNumber>(random()), static_cast<uint32_t>(random() % 3),
                           random(), static_cast<ShapeNumber>(i), result});
  }
  ZstdCompressor zstd;
  const Bytes packed = pack_tail(rows, zstd);
  CHECK(packed.size() < rows.size() * 3 / 4);
  CHECK(unpack_tail(packed) == rows);
  for (int i = 0; i < 300; ++i) {
    Bytes bad = packed;
    bad[random() % bad.size()] ^= static_cast<char>(1 << random() % 8);
    try {
      unpack_tail(bad.substr(0, random() % 2 == 0 ? bad.size() : random() % bad.size()));
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::corrupt);
    }
  }
}

TEST_CASE("NamesOfAnyLengthAndBytesGetOneNumber") {
  Repo repo;
  const std::string long_name(100000, 'n');
  const std::string odd_name("a\0\xff/b", 5);
  repo.write([&](WriteTransaction& txn) {
    CHECK(intern_name(txn, "loss") == 1);
    CHECK(intern_name(txn, long_name) == 2);
    CHECK(intern_name(txn, odd_name) == 3);
    CHECK(intern_name(txn, "") == 4);
    CHECK(intern_name(txn, "loss") == 1);
    CHECK(intern_context(txn, "") == 0);
    CHECK(intern_context(txn, "loss") == 1);
  });
  const Transaction txn(*repo.env);
  CHECK(get_name(txn, 2) == long_name);
  CHECK(get_name(txn, 3) == odd_name);
  CHECK(get_name(txn, 4).empty());
  CHECK(find_name(txn, "loss") == 1u);
  CHECK_FALSE(find_name(txn, "acc").has_value());
  CHECK(get_context(txn, 1) == "loss");
  CHECK(get_context(txn, 0).empty());
  CHECK_THROWS_AS(get_name(txn, 9), Error);
}

TEST_CASE("ShapesAreKeptOnce") {
  Repo repo;
  const ShapeRow row{hash128("shape"), 3, {1, 2, 300}};
  repo.write([&](WriteTransaction& txn) {
    CHECK(put_shape(txn, row) == 1);
    CHECK(put_shape(txn, row) == 1);
  });
  const Transaction txn(*repo.env);
  CHECK(find_shape(txn, row.hash) == 1u);
  CHECK(get_shape(txn, 1).names == row.names);
  CHECK(get_shape(txn, 1).context == 3);
}

TEST_CASE("JobsAreFoundByTokenAndByExperiment") {
  Repo repo;
  const JobToken other_token{9};
  repo.write([&](WriteTransaction& txn) {
    const ExperimentNumber experiment = intern_experiment(txn, "digits", hour);
    CHECK(intern_experiment(txn, "digits", 2 * hour) == experiment);
    CHECK(intern_experiment(txn, "other", hour) == 2);
    for (unsigned char i = 1; i <= 3; ++i) {
      JobRow job;
      job.experiment = experiment;
      job.token = {i};
      job.tags = {"a", "b"};
      job.time_budget_s = 1.5;
      CHECK(add_job(txn, job) == i);
    }
    bind_token(txn, other_token, 2);
  });
  const Transaction txn(*repo.env);
  CHECK(find_job_by_token(txn, JobToken{3}) == 3u);
  CHECK(find_job_by_token(txn, other_token) == 2u);
  CHECK_FALSE(find_job_by_token(txn, JobToken{77}).has_value());
  CHECK(jobs_of_experiment(txn, 1) == std::vector<JobNumber>{3, 2, 1});
  CHECK(jobs_of_experiment(txn, 2).empty());
  CHECK(get_job(txn, 2).tags == std::vector<std::string>{"a", "b"});
  CHECK(get_job(txn, 2).time_budget_s == 1.5);
  CHECK(get_experiment(txn, 1).created_ns == hour);
  size_t jobs = 0;
  each_job(txn, [&](JobNumber, const JobRow&) { ++jobs; });
  CHECK(jobs == 3);
}

TEST_CASE("RunsAreFoundByTrialIdAndIdPrefix") {
  Repo repo;
  repo.write([&](WriteTransaction& txn) {
    add_run(txn, trial_key("a"), run_row(1, "aabbccddeeff001122334455"));
    add_run(txn, trial_key("b"), run_row(1, "aab0ccddeeff001122334455"));
    add_run(txn, trial_key("a"), run_row(2, "ff0bccddeeff001122334455"));
    put_trial_id(txn, 1, trial_key("a"), "a");
  });
  const Transaction txn(*repo.env);
  CHECK(find_run(txn, 1, trial_key("b")) == 2u);
  CHECK(find_run(txn, 2, trial_key("a")) == 3u);
  CHECK_FALSE(find_run(txn, 2, trial_key("b")).has_value());
  CHECK(find_run_by_id(txn, *RunId::from_hex("ff0bccddeeff001122334455")) == 3u);
  CHECK(find_runs_by_prefix(txn, "aab", 10) == std::vector<RunNumber>{2, 1});
  CHECK(find_runs_by_prefix(txn, "AABB", 10) == std::vector<RunNumber>{1});
  CHECK(find_runs_by_prefix(txn, "a", 1) == std::vector<RunNumber>{2});
  CHECK(find_runs_by_prefix(txn, "f", 10) == std::vector<RunNumber>{3});
  CHECK(find_runs_by_prefix(txn, "ff0bccddeeff001122334455", 2) == std::vector<RunNumber>{3});
  CHECK(find_runs_by_prefix(txn, "xy", 10).empty());
  CHECK(find_runs_by_prefix(txn, "", 10).empty());
  CHECK(get_run(txn, 3).trial_id == "trial ff0bccddeeff001122334455");
  CHECK(get_trial_id(txn, 1, trial_key("a")) == "a");
  CHECK_FALSE(get_trial_id(txn, 2, trial_key("a")).has_value());
}

TEST_CASE("HistoriesKeepTheirOrder") {
  Repo repo;
  repo.write([&](WriteTransaction& txn) {
    for (uint32_t i = 0; i < 300; ++i) {
      add_params(txn, 1, {static_cast<int64_t>(i), i, "params", "config"});
      add_checkpoint(txn, 1, {1, 2, true, true, static_cast<int64_t>(i), "path"});
    }
    add_params(txn, 2, {});
    AttemptRow attempt;
    attempt.error_text = "why";
    put_attempt(txn, 1, 2, attempt);
  });
  const Transaction txn(*repo.env);
  const auto history = get_params_history(txn, 1);
  REQUIRE(history.size() == 300);
  for (uint32_t i = 0; i < 300; ++i) CHECK(history[i].attempt == i);
  CHECK(get_params(txn, 1)->attempt == 299);
  CHECK(get_params(txn, 2)->attempt == 0);
  CHECK_FALSE(get_params(txn, 3).has_value());
  CHECK(get_checkpoints(txn, 1).back().step == 299);
  CHECK(get_attempt(txn, 1, 2)->error_text == "why");
  CHECK_FALSE(get_attempt(txn, 1, 1).has_value());
}

TEST_CASE("JournalsTailsAndSealsComeAndGo") {
  Repo repo;
  const RingId ring{5};
  repo.write([&](WriteTransaction& txn) {
    const JournalNumber journal = next_journal_number(txn);
    JournalRow row;
    row.number = journal;
    row.applied = {10, 20};
    row.closed = true;
    put_journal(txn, ring, row);
    put_open_run(txn, journal, 4);
    put_open_run(txn, journal, 9);
    erase_open_run(txn, journal, 4);
    Bytes rows;
    append_tail_row(rows, {4, 1, 100, 2, "result"});
    append_tail_row(rows, {5, 1, 101, 2, ""});
    ZstdCompressor zstd;
    put_tail(txn, journal, 1, rows, zstd);
    put_tail(txn, journal, 2, "", zstd);
    put_tail(txn, 7, 1, rows, zstd);
    put_seal(txn, journal, 4, 100);
    LossRow loss;
    loss.kind = LossKind::damaged;
    add_loss(txn, loss);
  });
  {
    const Transaction txn(*repo.env);
    CHECK(find_journal(txn, ring)->applied == AppliedPosition{10, 20});
    CHECK(find_journal(txn, ring)->closed);
    CHECK(open_runs(txn, 1) == std::vector<RunNumber>{9});
    CHECK(get_seals(txn, 1) == std::map<RunNumber, uint64_t>{{4, 100}});
    std::vector<uint64_t> sequences;
    each_tail(txn, 1, [&](uint64_t, ByteView rows) {
      each_tail_row(rows, [&](const TailRow& row) { sequences.push_back(row.sequence); });
    });
    CHECK(sequences == std::vector<uint64_t>{100, 101});
    size_t tails = 0;
    each_tail(txn, [&](JournalNumber, uint64_t, ByteView) { ++tails; });
    CHECK(tails == 3);
    each_loss(txn, [](const LossRow& row) { CHECK(row.kind == LossKind::damaged); });
  }
  repo.write([&](WriteTransaction& txn) {
    erase_journal_tails(txn, 1);
    erase_journal(txn, ring);
    CHECK(next_journal_number(txn) == 2);
  });
  const Transaction txn(*repo.env);
  CHECK(get_seals(txn, 1).empty());
  CHECK(txn.count(Table::tails) == 1);
  CHECK_FALSE(find_journal(txn, ring).has_value());
}

TEST_CASE("SummariesKnowMinMaxAndWhereTheyWere") {
  const double inf = std::numeric_limits<double>::infinity();
  SeriesSummary summary;
  summary.add(1, Number::of(2.0));
  summary.add(2, Number::of(int64_t{-5}));
  summary.add(3, Number::of(std::nan("")));
  summary.add(4, Number::of(int64_t{-5}));
  summary.add(5, Number::of(inf));
  CHECK(summary.count == 5);
  CHECK(summary.min == Number::of(int64_t{-5}));
  CHECK(summary.min_step == 2);
  CHECK(summary.max == Number::of(inf));
  CHECK(summary.max_step == 5);
  CHECK(summary.first == Number::of(2.0));
  CHECK(summary.last_step == 5);
  CHECK(summary.nan_count == 1);
  CHECK(summary.infinite_count == 1);
  CHECK(summary.mean() == (2.0 - 5 - 5) / 3);
  CHECK(summary.steps_rise);
  summary.add(5, Number::of(true));
  CHECK_FALSE(summary.steps_rise);
}

TEST_CASE("ASeriesOfNaNHasNoMinAndNoMean") {
  SeriesSummary summary;
  summary.add(1, Number::of(std::nan("")));
  CHECK_FALSE(summary.min.exists());
  CHECK(std::isnan(summary.mean()));
  summary.add(2, Number::of(1.0));
  CHECK(summary.min == Number::of(1.0));
}

TEST_CASE("TheSumOfManySmallValuesIsExact") {
  SeriesSummary summary;
  summary.add(0, Number::of(1e16));
  for (int i = 1; i <= 1000; ++i) summary.add(i, Number::of(0.25));
  summary.add(1001, Number::of(-1e16));
  CHECK(summary.finite_sum + summary.finite_sum_low == 250.0);
}

TEST_CASE("SummariesThatAreJoinedEqualOneThatSawAll") {
  SeriesSummary whole, first, second, empty;
  for (int i = 0; i < 100; ++i) {
    const Number value = Number::of(static_cast<double>((i * 37) % 50));
    whole.add(i, value);
    (i < 40 ? first : second).add(i, value);
  }
  first.append(empty);
  first.append(second);
  CHECK(first == whole);
  empty.append(whole);
  CHECK(empty == whole);
}

TEST_CASE("SummariesAndObjectsAreOneValueEach") {
  Repo repo;
  SeriesSummary summary;
  summary.add(3, Number::of(uint64_t{18446744073709551615u}));
  const SummaryMap summaries = {{{1, 0}, summary}, {{1, 2}, {}}, {{7, 0}, summary}};
  const ObjectMap objects = {{{4, 1}, {{4, 1}, 12, 99, "value"}}};
  repo.write([&](WriteTransaction& txn) {
    put_summaries(txn, 1, 2, summaries);
    put_objects(txn, 1, objects);
  });
  const Transaction txn(*repo.env);
  CHECK(txn.count(Table::series) == 1);
  CHECK(get_summaries(txn, 1, 2) == summaries);
  CHECK(get_summaries(txn, 1, 1).empty());
  CHECK(get_objects(txn, 1).at({4, 1}).last_value == "value");
  CHECK(get_objects(txn, 2).empty());
}

// Runs are listed from rows read in one pass, or one by one where they are few: both must be what
// is found by run.
TEST_CASE("RowsOfManyRunsAreThoseOfEachRun") {
  Repo repo;
  SummaryMap summaries;
  std::vector<RunNumber> all, few;
  repo.write([&](WriteTransaction& txn) {
    for (uint32_t i = 0; i < 100; ++i) {
      RunRow row = run_row(1 + i % 3, to_hex(random_128()).substr(0, 24));
      row.status = static_cast<TrialStatus>(i % 8);
      row.created_ns = -int64_t{i};
      row.attempts = i % 3;
      const RunNumber run = add_run(txn, trial_key(row.trial_id), row);
      all.push_back(run);
      if (i % 33 == 0) few.push_back(run);
      for (uint32_t version = 0; version < i % 4; ++version)
        add_params(txn, run, {version, 1, "params" + std::to_string(version), "config"});
      summaries[{i + 1, 0}].add(i, Number::of(0.5 * i));
      for (uint32_t attempt = row.attempts; attempt > 0; --attempt)
        put_summaries(txn, run, attempt, attempt == 1 ? summaries : SummaryMap{});
    }
  });
  const Transaction txn(*repo.env);
  std::vector<NamedSummary> decoded;
  for (const auto& runs : {all, few}) {
    const auto params = newest_params_rows(txn, runs);
    const auto first = first_summaries_rows(txn, runs);
    for (size_t i = 0; i < runs.size(); ++i) {
      const RunRow row = get_run(txn, runs[i]);
      const RunHead head = read_run_head(get_run_row(txn, runs[i]));
      CHECK((head.job == row.job && head.status == row.status && head.attempts == row.attempts));
      const auto newest = get_params(txn, runs[i]);
      REQUIRE(newest.has_value() == !params[i].empty());
      if (newest) CHECK(view_params(params[i]).params == newest->params);
      if (newest) CHECK(view_params(params[i]).config == newest->config);
      decode_summaries(first[i], decoded);
      CHECK(SummaryMap(decoded.begin(), decoded.end()) == get_summaries(txn, runs[i], 1));
    }
  }
}

}  // namespace aimlog::test

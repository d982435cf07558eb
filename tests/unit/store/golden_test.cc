// The bytes of a small repo, row by row. A difference means that the format has changed: then rows
// need a new version, a reader for the old one, and SCHEMA.md a line. AIMLOG_WRITE_GOLDEN=1 writes
// the file anew.
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "plugin/store/environment_state.h"
#include "plugin/store/job_table.h"
#include "plugin/store/journal_table.h"
#include "plugin/store/name_table.h"
#include "plugin/store/row_group.h"
#include "plugin/store/run_table.h"
#include "plugin/store/series_table.h"
#include "plugin/store/tail_table.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace aimlog::test {
namespace {

std::string hex(ByteView bytes) {
  return to_hex(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

Bytes from_hex(const std::string& text) {
  Bytes bytes;
  for (size_t i = 0; i < text.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16)));
  return bytes;
}

// "table key value" a line; without the repo's random id.
std::string dump(const Transaction& txn) {
  std::string text;
  for (unsigned i = 0; i < table_count; ++i) {
    const auto table = static_cast<Table>(i);
    txn.scan(table, {}, {}, [&](ByteView key, ByteView value) {
      const bool random = table == Table::meta && key == "\x02";
      if (!random) text += table_name(table) + (" " + hex(key)) + " " + hex(value) + "\n";
      return true;
    });
  }
  return text;
}

void add_jobs_and_runs(WriteTransaction& txn) {
  JobRow job;
  job.experiment = intern_experiment(txn, "digits", 1700000000000000000);
  job.token = {1, 2, 3};
  job.host_job_id = "job-7";
  job.interrupted = true;
  job.machine = "host";
  job.num_samples = 40;
  job.time_budget_s = 0.5;
  job.tags = {"a", "b"};
  const JobNumber number = add_job(txn, job);
  bind_token(txn, JobToken{9}, number);
  RunRow run;
  run.job = number;
  run.id = make_run_id(job.token, "t1");
  run.trial_id = "t1";
  run.status = TrialStatus::failed;
  run.failures = 1;
  run.error_text = "out of memory";
  run.closed_by_us = true;
  const RunNumber run_number = add_run(txn, trial_key("t1"), run);
  put_trial_id(txn, number, trial_key("t1"), "t1");
  AttemptRow attempt;
  attempt.pid = 4711;
  attempt.sealed_results = 3;
  put_attempt(txn, run_number, 1, attempt);
  add_params(txn, run_number, {5, 1, "params", "config"});
  add_checkpoint(txn, run_number, {6, 1, true, true, -3, "/ckpt"});
}

void add_points(WriteTransaction& txn) {
  const NameId loss = intern_name(txn, "loss");
  const ContextId context = intern_context(txn, "subset=val");
  put_shape(txn, {hash128("shape"), context, {loss, intern_name(txn, "acc")}});
  SeriesSummary summary;
  summary.add(1, Number::of(0.5));
  summary.add(2, Number::of(int64_t{3}));
  put_summaries(txn, 1, 1, {{{loss, context}, summary}});
  put_objects(txn, 1, {{{loss, 0}, {{loss, 0}, 2, 9, "value"}}});
  RowGroup group;
  group.first_sequence = 5;
  group.last_sequence = 7;
  group.steps = {1, 2, 3};
  group.times_ns = {1700000000000000000, 1700000001000000000, 1700000002000000001};
  group.epochs = {Number::of(int64_t{1}), Number(), Number::of(0.5)};
  group.columns = {{{loss, context}, {Number::of(0.5), Number::of(0.25), Number::of(0.125)}},
                   {{loss, 0}, {Number::of(uint64_t{7}), Number(), Number::of(true)}}};
  put_chunk(txn, {1, 1, 1, 5}, encode_row_group(group));
}

void add_journal(WriteTransaction& txn) {
  JournalRow journal;
  journal.number = next_journal_number(txn);
  journal.applied = {300, 4096};
  journal.machine = "host";
  put_journal(txn, RingId{5}, journal);
  put_open_run(txn, journal.number, 1);
  Bytes rows;
  append_tail_row(rows, {1, 1, 300, 1, "result"});
  ZstdCompressor zstd;
  put_tail(txn, journal.number, 1, rows, zstd);
  put_seal(txn, journal.number, 1, 299);
  LossRow loss;
  loss.results = 12;
  add_loss(txn, loss);
}

}  // namespace

TEST_CASE("TheBytesOnDiskAreThoseOfThisVersion") {
  TempDir dir;
  const auto env = Environment::open(dir.path(), OpenMode::create);
  with_write_transaction(*env, [](WriteTransaction& txn) {
    add_jobs_and_runs(txn);
    add_points(txn);
    add_journal(txn);
  });
  const std::string now = dump(Transaction(*env));
  const std::string file = std::string(AIMLOG_STORE_GOLDEN) + "/small_repo.txt";
  if (std::getenv("AIMLOG_WRITE_GOLDEN") != nullptr) std::ofstream(file) << now;
  std::ostringstream golden;
  golden << std::ifstream(file).rdbuf();
  CHECK(now == golden.str());
}

TEST_CASE("ARepoOfTheFirstVersionIsRead") {
  TempDir dir;
  const auto env = Environment::open(dir.path(), OpenMode::create);
  with_write_transaction(*env, [](WriteTransaction& txn) {
    std::ifstream file(std::string(AIMLOG_STORE_GOLDEN) + "/small_repo_v1.txt");
    std::string line;
    while (std::getline(file, line)) {
      std::istringstream words(line);
      std::string table, key, value;  // a value may be empty
      words >> table >> key >> value;
      for (unsigned i = 0; i < table_count; ++i)
        if (table != "meta" && table == table_name(static_cast<Table>(i)))
          txn.put(static_cast<Table>(i), from_hex(key), from_hex(value));
    }
  });
  const Transaction txn(*env);
  const RunRow run = get_run(txn, 1);
  CHECK(run.error_text == "out of memory");
  CHECK(find_run(txn, run.job, trial_key("t1")) == RunNumber{1});
  CHECK(get_attempt(txn, 1, 1)->sealed_results == 3);
  const SummaryMap summaries = get_summaries(txn, 1, 1);
  REQUIRE(summaries.size() == 1);
  CHECK(summaries.begin()->second.max == Number::of(int64_t{3}));
  CHECK(summaries.begin()->second.min_step == 1);
  size_t results = 0;
  each_tail(txn, [&](JournalNumber, uint64_t, ByteView rows) {
    each_tail_row(rows, [&](const TailRow& row) {
      ++results;
      CHECK(row.sequence == 300);
      CHECK(row.result == "result");
    });
  });
  CHECK(results == 1);
  size_t chunks = 0;
  each_chunk(txn, 1, [&](const ChunkKey&, ByteView encoded) {
    ++chunks;
    CHECK(encoded[0] == 1);
    CHECK(RowGroupReader(encoded).column({1, 1})->back() == Number::of(0.125));
  });
  CHECK(chunks == 1);
}

TEST_CASE("RowsWithFieldsOfALaterVersionAreReadAndShorterOnesToo") {
  TempDir dir;
  const auto env = Environment::open(dir.path(), OpenMode::create);
  const Bytes long_row(
      "\x01\x03"
      "exp"
      "\x08"
      "a field that is not known yet",
      35);
  with_write_transaction(*env, [&](WriteTransaction& txn) {
    txn.put(Table::experiments, Bytes("\x01\0\0\0\x01", 5), long_row);
    txn.put(Table::experiments, Bytes("\x01\0\0\0\x02", 5), ByteView(long_row).substr(0, 5));
    txn.put(Table::experiments, Bytes("\x01\0\0\0\x03", 5), "\x02");
  });
  const Transaction txn(*env);
  CHECK(get_experiment(txn, 1).name == "exp");
  CHECK(get_experiment(txn, 1).created_ns == 4);
  CHECK(get_experiment(txn, 2).name == "exp");
  CHECK(get_experiment(txn, 2).created_ns == 0);
  try {
    get_experiment(txn, 3);
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::too_new);
  }
}

}  // namespace aimlog::test

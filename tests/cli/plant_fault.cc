// Makes a repo wrong in one way, each row with a right checksum: what only a look at what rows say
// of each other can find.
//
// usage: plant_fault DIRECTORY FAULT; without FAULT lists them
#include <functional>
#include <iostream>
#include <map>

#include "plugin/store/job_table.h"
#include "plugin/store/journal_table.h"
#include "plugin/store/keys.h"
#include "plugin/store/name_table.h"
#include "plugin/store/row_codec.h"
#include "plugin/store/row_group.h"
#include "plugin/store/run_table.h"
#include "plugin/store/series_table.h"
#include "plugin/store/store_format.h"
#include "plugin/store/tail_table.h"

namespace aimlog {
namespace {

using Plant = std::function<void(WriteTransaction&)>;

Key of_number(auto kind, uint32_t number) { return std::move(Key(kind).add(number)); }

Plant erase(Table table, Key key) {
  return [=](WriteTransaction& txn) { AIMLOG_CHECK(txn.erase(table, key)); };
}

Plant put(Table table, Key key, Bytes payload) {
  return [=](WriteTransaction& txn) { txn.put(table, key, payload); };
}

// The first row of a table whose key begins so.
Plant erase_first(Table table, auto kind) {
  return [=](WriteTransaction& txn) {
    Bytes first;
    txn.scan(table, Key(kind), {}, [&](ByteView key, ByteView) {
      first = key;
      return false;
    });
    AIMLOG_CHECK(txn.erase(table, first));
  };
}

Plant change_summary(const std::function<void(SeriesSummary&)>& change) {
  return [=](WriteTransaction& txn) {
    SummaryMap summaries = get_summaries(txn, 1, 1);
    change(summaries.begin()->second);
    put_summaries(txn, 1, 1, summaries);
  };
}

void count_results_wrongly(WriteTransaction& txn) {
  AttemptRow row = *get_attempt(txn, 1, 1);
  row.sealed_results += 1;
  put_attempt(txn, 1, 1, row);
}

// The chunk of run 1: its results 1 to 10 came through journal 1.
Bytes first_chunk(const Transaction& txn) {
  Bytes chunk;
  each_chunk(txn, 1, [&](const ChunkKey&, ByteView encoded) { chunk = encoded; });
  return chunk;
}

void move_chunk(WriteTransaction& txn) {
  const Bytes chunk = first_chunk(txn);
  txn.erase(Table::chunks, Key().add(1u).add(1u).add(1u).add(uint64_t{1}));
  put_chunk(txn, {1, 1, 1, 5}, chunk);
}

// The first tail's first row again, as one of run 1 and of this sequence number.
void put_row(WriteTransaction& txn, uint64_t sequence) {
  Bytes rows;
  each_tail(txn, 1, [&](uint64_t, ByteView tail) {
    each_tail_row(tail, [&](const TailRow& row) {
      if (rows.empty()) append_tail_row(rows, {1, 1, sequence, row.shape, row.result});
    });
  });
  ZstdCompressor zstd;
  put_tail(txn, 1, 90, rows, zstd);
}

void seal_nothing(WriteTransaction& txn) {
  put_row(txn, 500);
  put_seal(txn, 1, 1, 500);
}

const std::map<std::string, Plant>& plants() {
  static const std::map<std::string, Plant> all = {
      {"name", erase(Table::names, of_number(NameKind::name, 1))},
      {"name-index", erase_first(Table::names, NameKind::name_hash)},
      {"context", erase(Table::names, of_number(NameKind::context, 1))},
      {"shape", erase(Table::shapes, of_number(ShapeKind::shape, 1))},
      {"experiment", erase(Table::experiments, of_number(ExperimentKind::experiment, 1))},
      {"job", erase(Table::jobs, of_number(JobKind::job, 1))},
      {"job-token", erase_first(Table::jobs, JobKind::token)},
      {"job-index", erase_first(Table::jobs, JobKind::of_experiment)},
      {"run", erase(Table::runs, of_number(RunKind::run, 1))},
      {"run-id", erase_first(Table::runs, RunKind::id)},
      {"run-trial", erase_first(Table::runs, RunKind::trial)},
      {"attempt", erase(Table::attempts, Key().add(1u).add(1u))},
      {"attempt-too-many", put(Table::attempts, Key().add(1u).add(7u), encode_row(AttemptRow{}))},
      {"summaries", erase(Table::series, Key().add(1u).add(1u))},
      {"summary-count", change_summary([](SeriesSummary& summary) { ++summary.count; })},
      {"summary-value",
       change_summary([](SeriesSummary& summary) { summary.max = Number::of(9.0); })},
      {"results", count_results_wrongly},
      {"chunk", erase(Table::chunks, Key().add(1u).add(1u).add(1u).add(uint64_t{1}))},
      {"chunk-moved", move_chunk},
      {"chunk-of-nobody",
       [](WriteTransaction& txn) {
         put_chunk(txn, {77, 1, 1, 1}, first_chunk(txn));
       }},
      {"tail-doubled", [](WriteTransaction& txn) { put_row(txn, 3); }},
      {"tail-lost", seal_nothing},
      {"seal-of-nobody", [](WriteTransaction& txn) { put_seal(txn, 1, 77, 1); }},
      {"params",
       put(Table::params, Key().add(1u).add(0u), encode_row(ParamsRow{0, 1, "\x09", {}}))},
      {"params-of-nobody", put(Table::params, Key().add(77u).add(0u), encode_row(ParamsRow{}))},
      {"newer", put(Table::checkpoints, Key().add(1u).add(0u), "\x7f")},
      {"counter", put(Table::meta,
                      std::move(Key(MetaKind::next_number).add(static_cast<uint8_t>(Counter::run))),
                      encode_number(1))},
      {"open-run", [](WriteTransaction& txn) { put_open_run(txn, 1, 77); }},
      {"key", put(Table::runs, Key(RunKind::run), encode_row(RunRow{}))},
  };
  return all;
}

}  // namespace
}  // namespace aimlog

int main(int argc, char** argv) {
  using namespace aimlog;
  if (argc < 3) {
    for (const auto& [name, plant] : plants()) std::cout << name << "\n";
    return 0;
  }
  try {
    const auto environment = Environment::open(argv[1], OpenMode::read_write);
    with_write_transaction(*environment, plants().at(argv[2]));
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  return 0;
}

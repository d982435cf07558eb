// One run of a salvaged repo into the new one.
#include <algorithm>

#include "cli/repair/rebuild.h"
#include "plugin/base/random.h"
#include "plugin/store/journal_table.h"
#include "plugin/store/run_table.h"
#include "plugin/store/series_table.h"

namespace aimlog::cli {
namespace {

RunId random_run_id() {
  const auto random = random_128();
  RunId id;
  std::copy_n(random.begin(), id.bytes.size(), id.bytes.begin());
  return id;
}

}  // namespace

RunRow Rebuild::mended_row(const RunEntry& entry, RunReport& report) const {
  const auto& [number, run] = entry;
  RunRow row = run.row.value_or(RunRow{});
  if (!run.row) {
    row.job = run.job;
    row.id = run.id ? *run.id : random_run_id();
    row.trial_id = "lost-trial-" + std::to_string(number);
    row.status = TrialStatus::running;  // close_run() says crashed where nothing more comes
    report.lost.push_back("its trial id, name and status");
    report.count_unknown = true;  // how many attempts it had is not known
  } else if (run.old) {
    report.lost.push_back("maybe its newest status: the one that was found may be older");
    report.count_unknown = attempts_may_be_lost_;  // an older row may know of fewer attempts
  }
  report.id = row.id.hex();
  report.trial = row.trial_id;
  for (const std::string& each : run.damaged) report.lost.push_back(each);
  mend_attempts(entry, row, report);
  return row;
}

// The run must know of all attempts, and each must have a row.
void Rebuild::mend_attempts(const RunEntry& entry, RunRow& row, RunReport& report) {
  for (const auto& [number, attempt] : entry.second.attempts)
    row.attempts = std::max(row.attempts, number);
  for (uint32_t number = 1; number <= row.attempts; ++number) {
    const auto found = entry.second.attempts.find(number);
    if (found == entry.second.attempts.end() || !found->second.row)
      report.lost.push_back("the row of attempt " + std::to_string(number));
    else if (found->second.old)
      report.lost.push_back("maybe the newest status of attempt " + std::to_string(number) +
                            ": the row that was found may be older");
  }
}

uint64_t Rebuild::put_params(WriteTransaction& txn, const RunEntry& entry,
                             RunReport& report) const {
  const auto& [number, run] = entry;
  const bool told = run.damaged.count("params") > 0;
  uint64_t bytes = 0;
  uint32_t next = 0;
  for (const auto& [version, params] : run.params) {
    if (version != next && !told) report.lost.push_back("a version of its params");
    next = version + 1;
    txn.put(Table::params, Key().add(number).add(version), params);
    bytes += params.size();
  }
  if (next == 0 && !told && params_may_be_lost_) report.lost.push_back("maybe its params");
  return bytes;
}

uint64_t Rebuild::put_run(WriteTransaction& txn, const RunEntry& entry, RunReport& report) {
  const auto& [number, run] = entry;
  RunRow row = mended_row(entry, report);
  uint64_t bytes = put_attempts(txn, entry, row, report);
  bytes += put_params(txn, entry, report);
  for (const auto& [count, checkpoint] : run.checkpoints)
    txn.put(Table::checkpoints, Key().add(number).add(count), checkpoint);
  put_indexes(txn, number, run, row);
  aimlog::put_run(txn, number, row);
  return bytes;
}

void Rebuild::put_indexes(WriteTransaction& txn, RunNumber number, const SalvagedRun& run,
                          const RunRow& row) {
  txn.put(Table::runs, Key(RunKind::id).add(row.id.bytes), encode_number(number));
  const Key trial = Key(RunKind::trial).add(row.job).add(trial_key(row.trial_id));
  // Two runs of one trial can only be two imported ones: then the index has another key.
  if (!run.has_trial || !run.row) txn.put(Table::runs, trial, encode_number(number));
}

// Of an attempt whose row is lost. It stays open where more of it is going to be replayed: else
// that would begin another one.
AttemptRow Rebuild::stand_in(const RunEntry& entry, const MendedAttempt& points,
                             bool is_newest) const {
  AttemptRow attempt;
  attempt.started_ns = points.first_ns;
  if (!points.chunks.empty()) attempt.journal = points.chunks.back().first.journal;
  const auto opened = repo_.opened_through.find(entry.first);
  if (is_newest && opened != repo_.opened_through.end()) attempt.journal = opened->second;
  if (is_newest && is_replayed(attempt.journal)) return attempt;
  attempt.status = TrialStatus::crashed;
  attempt.ended_ns = points.last_ns;
  return attempt;
}

uint64_t Rebuild::put_attempts(WriteTransaction& txn, const RunEntry& entry, RunRow& row,
                               RunReport& report) {
  const auto& [number, run] = entry;
  ObjectMap objects = run.objects.value_or(ObjectMap{});
  uint64_t bytes = 0;
  int64_t last_ns = 0;
  for (uint32_t i = 1; i <= row.attempts; ++i) {
    const auto found = run.attempts.find(i);
    const SalvagedAttempt salvaged =
        found == run.attempts.end() ? SalvagedAttempt{} : found->second;
    const MendedAttempt points = points_.mend(number, i, salvaged, objects, report);
    AttemptRow attempt = salvaged.row.value_or(AttemptRow{});
    if (!salvaged.row) attempt = stand_in(entry, points, i == row.attempts);
    newest_journal_ = std::max(newest_journal_, attempt.journal);
    last_ns = std::max({last_ns, points.last_ns, attempt.started_ns});
    const bool imported = std::any_of(points.chunks.begin(), points.chunks.end(),
                                      [](const auto& each) { return each.first.journal == 0; });
    if (!imported) attempt.sealed_results = points.results;
    for (const auto& [key, chunk] : points.chunks) {
      newest_journal_ = std::max(newest_journal_, key.journal);
      put_chunk(txn, key, chunk);
      bytes += chunk.size();
    }
    for (const auto& [key, summary] : points.summaries) need(key);
    if (!points.chunks.empty()) put_summaries(txn, number, i, points.summaries);
    if (i == row.attempts) close_run(txn, entry, row, &attempt, last_ns);
    put_attempt(txn, number, i, attempt);
  }
  if (row.attempts == 0) close_run(txn, entry, row, nullptr, row.created_ns);
  for (const auto& [key, object] : objects) need(key);
  if (!objects.empty()) put_objects(txn, number, objects);
  return bytes;
}

// A run that was open stays so only if the rest of its journal is going to be replayed.
void Rebuild::close_run(WriteTransaction& txn, const RunEntry& entry, RunRow& row,
                        AttemptRow* newest, int64_t last_ns) const {
  const auto& [number, run] = entry;
  if (row.created_ns == 0) row.created_ns = newest != nullptr ? newest->started_ns : 0;
  if (!is_open(row.status)) return;
  const auto opened = repo_.opened_through.find(number);
  JournalNumber journal = opened == repo_.opened_through.end() ? 0 : opened->second;
  if (newest != nullptr) journal = newest->journal;
  if (is_replayed(journal)) {
    put_open_run(txn, journal, number);
    return;
  }
  row.status = TrialStatus::crashed;
  row.closed_by_us = true;
  row.ended_ns = last_ns;
  if (newest == nullptr) return;
  if (newest->status == TrialStatus::running) newest->status = TrialStatus::crashed;
  if (newest->ended_ns == 0) newest->ended_ns = last_ns;
}

}  // namespace aimlog::cli

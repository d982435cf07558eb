#include "plugin/commit/journal_image.h"

#include "plugin/model/result_codec.h"
#include "plugin/store/job_table.h"
#include "plugin/store/journal_table.h"
#include "plugin/store/run_table.h"
#include "plugin/store/tail_table.h"

namespace aimlog {

// See LiveRun::attempt_number.
uint32_t JournalImage::find_attempt(const Transaction& txn, const LiveRun& run) const {
  uint32_t counts = 0;
  for (uint32_t number = run.row.attempts; number > 0; --number) {
    const auto attempt = get_attempt(txn, run.number, number);
    if (!attempt) continue;  // only a later one was imported
    if (attempt->journal == row.number) return number;
    if (counts == 0 && attempt->status == run.row.status) counts = number;
  }
  return counts != 0 && is_open(run.row.status) ? counts : run.row.attempts;
}

// An older program could leave a run open through a journal whose attempt another one had followed.
bool JournalImage::is_in_charge(const Transaction& txn, const LiveRun& run) const {
  if (run.row.attempts > 0 && run.attempt.journal != row.number) return false;
  return is_open(run.row.status) ? is_open_run(txn, row.number, run.number) : run.is_at_newest();
}

void JournalImage::read_attempt(const Transaction& txn, LiveRun& run, uint32_t attempt) const {
  run.attempt_number = attempt;
  run.attempt = {};
  if (attempt > 0) {
    const auto stored = get_attempt(txn, run.number, attempt);
    if (!stored) {
      throw Error(ErrorCode::corrupt, "run " + run.row.id.hex() + " has no row for its attempt " +
                                          std::to_string(attempt));
    }
    run.attempt = *stored;
  }
  run.in_charge = is_in_charge(txn, run);
  run.results = run.attempt.sealed_results;
  for (const LiveRun::PendingRow& each : run.pending) run.results += each.attempt == attempt;
}

void JournalImage::read_rows(const Transaction& txn, LiveRun& run) const {
  run.row = get_run(txn, run.number);
  // Rows that wait to be sealed say which attempt they are of.
  read_attempt(txn, run, run.pending.empty() ? find_attempt(txn, run) : run.pending.back().attempt);
  run.as_of = as_of_;
}

LiveRun& JournalImage::load_run(const Transaction& txn, RunNumber number) {
  const auto found = runs.find(number);
  if (found != runs.end()) {
    if (found->second.as_of != as_of_) read_rows(txn, found->second);
    return found->second;
  }
  LiveRun run;
  run.number = number;
  read_rows(txn, run);
  run.last_ns = run.attempt_number > 0 ? run.attempt.started_ns : run.row.created_ns;
  return runs.emplace(number, std::move(run)).first->second;
}

LiveRun& JournalImage::add_run(RunNumber number, const RunRow& run_row) {
  LiveRun& run = runs[number];
  run.number = number;
  run.row = run_row;
  run.in_charge = true;
  run.as_of = as_of_;
  return run;
}

// A run of which nothing waits is read again as if it were new: it may be another journal's for
// good.
void JournalImage::expect_changes() {
  ++as_of_;
  std::erase_if(runs, [&](const auto& entry) {
    if (!entry.second.pending.empty()) return false;
    trials.erase(trial_key(entry.second.row.trial_id));
    return true;
  });
}

void JournalImage::reload(const Transaction& txn) {
  row = find_journal(txn, ring).value_or(JournalRow{});
  job = row.job == 0 ? JobRow{} : get_job(txn, row.job);
  trials.clear();
  runs.clear();
  shapes.clear();
  shape_rows.clear();
  tails.clear();
  tail_bytes = 0;
  results_undecodable = others_undecodable = 0;
  if (row.number == 0) return;
  const std::map<RunNumber, uint64_t> seals = get_seals(txn, row.number);
  each_tail(txn, row.number, [&](uint64_t tail_number, ByteView rows) {
    Tail tail{tail_number, rows.size(), 0};
    each_tail_row(rows, [&](const TailRow& tail_row) {
      const auto seal = seals.find(tail_row.run);
      if (seal != seals.end() && tail_row.sequence <= seal->second) return;
      LiveRun& run = load_run(txn, tail_row.run);
      if (run.attempt_number != tail_row.attempt) read_attempt(txn, run, tail_row.attempt);
      run.pending.push_back({tail_row.sequence, tail_row.shape, tail_row.attempt, tail_number,
                             run.result_bytes.size(), tail_row.result.size()});
      run.result_bytes.append(tail_row.result);
      run.last_ns = decode_result_head(tail_row.result).time_ns;
      ++run.results;
      ++tail.unsealed_rows;
    });
    tail_bytes += tail.bytes;
    tails.push_back(tail);
  });
  for (const auto& [number, run] : runs) trials[trial_key(run.row.trial_id)] = number;
}

}  // namespace aimlog

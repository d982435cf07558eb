#include "plugin/commit/journal_image.h"

#include "plugin/model/result_codec.h"
#include "plugin/store/job_table.h"
#include "plugin/store/journal_table.h"
#include "plugin/store/run_table.h"
#include "plugin/store/tail_table.h"

namespace aimlog {

LiveRun& JournalImage::load_run(const Transaction& txn, RunNumber number) {
  const auto found = runs.find(number);
  if (found != runs.end()) return found->second;
  LiveRun run;
  run.number = number;
  run.row = get_run(txn, number);
  if (run.row.attempts > 0) {
    const auto attempt = get_attempt(txn, number, run.row.attempts);
    if (!attempt) {
      throw Error(ErrorCode::corrupt, "run " + run.row.id.hex() + " has no row for its attempt " +
                                          std::to_string(run.row.attempts));
    }
    run.attempt = *attempt;
  }
  run.results = run.attempt.sealed_results;
  run.last_ns = run.row.attempts > 0 ? run.attempt.started_ns : run.row.created_ns;
  return runs.emplace(number, std::move(run)).first->second;
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
      run.pending.push_back({tail_row.sequence, tail_row.shape, tail_number,
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

#include "cli/export/run_watch.h"

#include "cli/failure.h"

namespace aimlog::cli {

std::vector<std::pair<RunNumber, RunRow>> RunWatch::chosen(Snapshot& snapshot) {
  try {
    return choice_.rows(snapshot);
  } catch (const Failure& failure) {
    if (failure.exit_code() != exit_nothing) throw;
    return {};  // it may come
  }
}

std::vector<ToWrite> RunWatch::look(Environment& environment, Snapshot& snapshot) {
  writers_ = find_writers(environment, snapshot.txn());
  const auto rows = chosen(snapshot);
  runs_ = rows.size();
  has_runs_ = has_runs_ || runs_ > 0;
  if (!has_runs_) each_run(snapshot.txn(), [&](RunNumber, const RunRow&) { has_runs_ = true; });
  open_ = 0;
  std::vector<ToWrite> changed;
  for (const auto& [number, row] : rows) {
    if (row.ended_ns == 0) ++open_;
    const bool is_settled = row.ended_ns != 0 && snapshot.tails().of(number).empty();
    std::string mark = aim_row_mark(snapshot, row);
    Row& before = rows_[number];
    if (is_settled && before.is_settled && before.mark == mark) continue;
    before = {std::move(mark), is_settled};
    const bool has_writer = row.attempts > 0 && writers_.jobs.count(row.job) > 0;
    for (AimSubject& subject : aim_subjects(snapshot, number, row, choice_.options())) {
      const bool is_live = has_writer && is_open(snapshot, subject);
      Subject& known = subjects_[subject.hash];
      if (known.fingerprint == subject.fingerprint && known.is_live == is_live) continue;
      known = {subject.fingerprint, is_live};
      changed.push_back({std::move(subject), is_live});
    }
  }
  return changed;
}

}  // namespace aimlog::cli

#include "plugin/commit/run_keeper.h"

#include <algorithm>
#include <vector>

#include "plugin/commit/seal_run.h"
#include "plugin/store/journal_table.h"
#include "plugin/store/run_table.h"

namespace aimlog {
namespace {

// We closed the attempt together with its run: it had no end of its own, such as a pause, before.
bool closed_with_run(const LiveRun& run) {
  return run.row.closed_by_us && run.row.attempts > 0 && run.attempt.status == run.row.status;
}

}  // namespace

LiveRun* RunKeeper::find(const TrialKey& trial, int64_t time_ns) {
  if (image_.row.job == 0) return nullptr;
  LiveRun* run = nullptr;
  const auto known = image_.trials.find(trial);
  if (known != image_.trials.end()) {
    run = &image_.load_run(txn_, known->second);
  } else if (const auto number = find_run(txn_, image_.row.job, trial)) {
    run = &image_.load_run(txn_, *number);
  } else if (const auto trial_id = get_trial_id(txn_, image_.row.job, trial)) {
    run = &add(trial, *trial_id, time_ns);
  } else {
    return nullptr;
  }
  image_.trials[trial] = run->number;
  take_charge(*run, time_ns);
  return run;
}

LiveRun& RunKeeper::add(const TrialKey& trial, const std::string& trial_id, int64_t time_ns) {
  RunRow row;
  row.job = image_.row.job;
  row.id = make_run_id(image_.job.token, trial_id);
  row.trial_id = trial_id;
  row.status = TrialStatus::pending;
  row.created_ns = time_ns;
  const RunNumber number = add_run(txn_, trial, row);
  put_open_run(txn_, image_.row.number, number);
  LiveRun& run = image_.runs[number];
  run.number = number;
  run.row = row;
  return run;
}

void RunKeeper::take_charge(LiveRun& run, int64_t time_ns) {
  run.last_ns = std::max(run.last_ns, time_ns);
  run.ended = !is_open(run.row.status);
  const JournalNumber before = run.attempt.journal;
  if (run.row.attempts == 0 || before == image_.row.number) return;
  erase_open_run(txn_, before, run.number);
  if (is_open(run.row.status)) put_open_run(txn_, image_.row.number, run.number);
  run.attempt.journal = image_.row.number;
  run.dirty = true;
}

void RunKeeper::begin_attempt(LiveRun& run, int64_t time_ns) {
  if (run.row.attempts > 0 && is_open(run.attempt.status)) {
    // A pause is the true status of an attempt that gave up its worker; it only comes to its end
    // now.
    end_attempt(
        run, run.attempt.status == TrialStatus::paused ? TrialStatus::paused : TrialStatus::stopped,
        time_ns);
  }
  // Pending rows are of one attempt, and the row of the old one must not be lost sight of.
  seal_run(txn_, image_, run);
  if (run.row.attempts > 0) put_attempt(txn_, run.number, run.row.attempts, run.attempt);
  if (!is_open(run.row.status) || run.row.attempts == 0)
    put_open_run(txn_, image_.row.number, run.number);
  ++run.row.attempts;
  run.row.status = TrialStatus::running;
  run.row.ended_ns = 0;
  run.row.closed_by_us = false;
  run.attempt = {};
  run.attempt.started_ns = time_ns;
  run.attempt.journal = image_.row.number;
  run.results = 0;
  run.dirty = true;
  run.ended = false;
}

void RunKeeper::go_on(LiveRun& run, int64_t time_ns) {
  const bool unannounced = run.row.attempts == 0 || run.row.status == TrialStatus::pending;
  if (unannounced || run.row.status == TrialStatus::crashed) return begin_attempt(run, time_ns);
  if (!run.row.closed_by_us) return;
  put_open_run(txn_, image_.row.number, run.number);
  run.row.status = run.attempt.status = TrialStatus::running;
  run.row.ended_ns = run.attempt.ended_ns = 0;
  run.row.closed_by_us = false;
  run.dirty = true;
  run.ended = false;
}

void RunKeeper::end_attempt(LiveRun& run, TrialStatus status, int64_t time_ns) {
  if (run.row.attempts == 0) return;
  run.attempt.status = status;
  run.attempt.ended_ns = time_ns;
  run.dirty = true;
}

void RunKeeper::pause(LiveRun& run, int64_t time_ns) {
  if (!is_open(run.row.status)) go_on(run, time_ns);
  if (run.attempt.status == TrialStatus::running) end_attempt(run, TrialStatus::paused, time_ns);
  run.row.status = TrialStatus::paused;
  run.dirty = true;
}

void RunKeeper::fail_attempt(LiveRun& run, const std::string& error_text, int64_t time_ns) {
  if (!is_open(run.row.status)) put_open_run(txn_, image_.row.number, run.number);
  if (is_open(run.attempt.status) || closed_with_run(run)) {
    end_attempt(run, TrialStatus::failed, time_ns);
    run.attempt.error_text = error_text;
  }
  run.row.status = TrialStatus::pending;
  run.row.ended_ns = 0;
  run.row.closed_by_us = false;
  run.dirty = true;
  run.ended = false;
}

void RunKeeper::end_run(LiveRun& run, TrialStatus status, int64_t time_ns, bool by_us) {
  if (is_open(run.row.status)) erase_open_run(txn_, image_.row.number, run.number);
  // An attempt that failed or paused keeps that; one that runs, or that we had closed ourselves,
  // ends as the run does.
  const bool running = run.attempt.status == TrialStatus::running;
  if (running || closed_with_run(run)) end_attempt(run, status, time_ns);
  if (run.attempt.ended_ns == 0) run.attempt.ended_ns = time_ns;
  run.row.status = status;
  run.row.ended_ns = time_ns;
  run.row.closed_by_us = by_us;
  run.dirty = true;
  run.ended = true;
}

uint32_t RunKeeper::close_open_runs(TrialStatus status, int64_t time_ns) {
  uint32_t closed = 0;
  for (const RunNumber number : open_runs(txn_, image_.row.number)) {
    LiveRun& run = image_.load_run(txn_, number);
    if (!is_open(run.row.status)) continue;
    end_run(run, status, time_ns != 0 ? time_ns : run.last_ns, true);
    ++closed;
  }
  return closed;
}

void RunKeeper::stop_waiting_runs(int64_t time_ns) {
  std::vector<RunNumber> crashed;
  each_run(txn_, [&](RunNumber number, const RunRow& row) {
    const bool by_us = row.status == TrialStatus::crashed && row.closed_by_us;
    if (row.job == image_.row.job && by_us) crashed.push_back(number);
  });
  for (const RunNumber number : crashed) {
    LiveRun& run = image_.load_run(txn_, number);
    const bool had_worker = run.row.attempts > 0 && run.attempt.status == TrialStatus::crashed;
    if (run.row.status != TrialStatus::crashed || had_worker) continue;
    run.row.status = TrialStatus::stopped;
    run.row.ended_ns = time_ns;
    run.dirty = true;
    run.ended = true;
  }
}

}  // namespace aimlog

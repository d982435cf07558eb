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
  return run.row.closed_by_us && run.attempt_number > 0 && run.attempt.status == run.row.status;
}

// The attempt makes the run what it is. Else a newer one does, or an older one that went on when
// the newest was over.
bool counts(const LiveRun& run) {
  const bool has_worker = is_open(run.row.status) && run.row.status != TrialStatus::pending;
  return has_worker ? run.attempt.status == run.row.status : run.is_at_newest();
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
  run->last_ns = std::max(run->last_ns, time_ns);
  run->ended = run->in_charge && !is_open(run->row.status);
  return run;
}

LiveRun* RunKeeper::take_up(const TrialKey& trial, int64_t time_ns) {
  LiveRun* run = find(trial, time_ns);
  if (run == nullptr || run->in_charge) return run;
  const bool has_part = run->attempt.journal == image_.row.number || !run->pending.empty();
  if (!has_part || counts(*run)) {
    if (!is_old_news(*run)) take_charge(*run);
  } else if (image_.writer_lives && run->row.closed_by_us &&
             run->attempt.status == TrialStatus::stopped) {
    // Nobody else has the run any more: the attempt had only been followed by another.
    take_charge(*run);
    reopen(*run);
  }
  run->ended = run->in_charge && !is_open(run->row.status);
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
  return image_.add_run(number, row);
}

void RunKeeper::take_charge(LiveRun& run) {
  std::vector<JournalNumber> others;
  each_journal(txn_, [&](const RingId& ring, const JournalRow& row) {
    if (ring != image_.ring) others.push_back(row.number);
  });
  for (const JournalNumber other : others) erase_open_run(txn_, other, run.number);
  if (is_open(run.row.status)) put_open_run(txn_, image_.row.number, run.number);
  run.in_charge = true;
  if (run.attempt_number == 0 || run.attempt.journal == image_.row.number) return;
  run.attempt.journal = image_.row.number;
  run.dirty = true;
}

// Whether what a dead writer's ring says comes after what others said: they hold the run now, or
// their hosts came to an end with it.
bool RunKeeper::is_old_news(const LiveRun& run) const {
  if (image_.writer_lives || run.row.attempts == 0) return false;
  return is_settled(run) ? has_later_attempt(run) : is_held_by_other(run);
}

bool RunKeeper::has_later_attempt(const LiveRun& run) const {
  for (uint32_t number = run.row.attempts; number > 0; --number) {
    const auto attempt = get_attempt(txn_, run.number, number);
    if (attempt && attempt->journal > image_.row.number) return true;
  }
  return false;
}

bool RunKeeper::is_held_by_other(const LiveRun& run) const {
  if (!is_open(run.row.status) || run.in_charge) return false;
  bool held = false;
  each_journal(txn_, [&](const RingId& ring, const JournalRow& row) {
    held = held || (ring != image_.ring && !row.closed &&
                    is_open_run(txn_, row.number, run.number) && is_live_(ring));
  });
  return held;
}

// What is still open of the attempts before a new one ends now. A pause is the true status of an
// attempt that gave up its worker; it only comes to its end now.
void RunKeeper::follow_attempts(LiveRun& run, int64_t time_ns) {
  const auto follow = [&](AttemptRow& attempt) {
    if (!is_open(attempt.status)) return false;
    if (attempt.status != TrialStatus::paused) attempt.status = TrialStatus::stopped;
    attempt.ended_ns = time_ns;
    return true;
  };
  if (run.attempt_number > 0) follow(run.attempt);
  if (run.in_charge) return;  // no other one is open
  for (uint32_t number = run.row.attempts; number > 0; --number) {
    if (number == run.attempt_number) continue;
    auto attempt = get_attempt(txn_, run.number, number);
    if (attempt && follow(*attempt)) put_attempt(txn_, run.number, number, *attempt);
  }
}

void RunKeeper::begin_attempt(LiveRun& run, int64_t time_ns) {
  const bool old_news = is_old_news(run);
  if (!old_news) follow_attempts(run, time_ns);
  // The row of the old attempt must not be lost sight of.
  seal_run(txn_, image_, run);
  if (run.attempt_number > 0) put_attempt(txn_, run.number, run.attempt_number, run.attempt);
  const bool was_open = is_open(run.row.status) && run.row.attempts > 0;
  run.attempt_number = ++run.row.attempts;
  run.attempt = {};
  run.attempt.started_ns = time_ns;
  run.attempt.journal = image_.row.number;
  run.results = 0;
  run.dirty = true;
  run.ended = false;
  if (old_news) {
    run.attempt.status = TrialStatus::crashed;
    run.attempt.ended_ns = time_ns;
    run.in_charge = false;
    return;
  }
  run.row.status = TrialStatus::running;
  run.row.ended_ns = 0;
  run.row.closed_by_us = false;
  if (!run.in_charge)
    take_charge(run);
  else if (!was_open)
    put_open_run(txn_, image_.row.number, run.number);
}

void RunKeeper::go_on(LiveRun& run, int64_t time_ns) {
  if (run.attempt_number == 0) return begin_attempt(run, time_ns);
  if (!run.in_charge) return;  // beside the attempt that counts
  const bool over = run.row.status == TrialStatus::crashed && run.is_at_newest();
  if (over || run.row.status == TrialStatus::pending) return begin_attempt(run, time_ns);
  if (run.row.closed_by_us) reopen(run);
}

void RunKeeper::reopen(LiveRun& run) {
  put_open_run(txn_, image_.row.number, run.number);
  run.row.status = run.attempt.status = TrialStatus::running;
  run.row.ended_ns = run.attempt.ended_ns = 0;
  run.row.closed_by_us = false;
  run.dirty = true;
  run.ended = false;
}

void RunKeeper::end_attempt(LiveRun& run, TrialStatus status, int64_t time_ns) {
  if (run.attempt_number == 0) return;
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

void RunKeeper::end_followed(LiveRun& run, TrialStatus status, const std::string& error_text,
                             int64_t time_ns) {
  // That it was stopped, or crashed, was our conclusion.
  const TrialStatus before = run.attempt.status;
  const bool concluded = before == TrialStatus::stopped || before == TrialStatus::crashed;
  if (run.attempt.journal != image_.row.number || !concluded) return;
  end_attempt(run, status, time_ns);
  run.attempt.error_text = error_text;
}

uint32_t RunKeeper::close_open_runs(TrialStatus status, int64_t time_ns) {
  uint32_t closed = 0;
  for (const RunNumber number : open_runs(txn_, image_.row.number)) {
    LiveRun& run = image_.load_run(txn_, number);
    if (!run.in_charge || !is_open(run.row.status)) {
      erase_open_run(txn_, image_.row.number, number);
      continue;
    }
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
    const auto newest = run.is_at_newest() ? std::optional(run.attempt)
                                           : get_attempt(txn_, number, run.row.attempts);
    const bool had_worker =
        run.row.attempts > 0 && newest && newest->status == TrialStatus::crashed;
    if (run.row.status != TrialStatus::crashed || had_worker) continue;
    run.row.status = TrialStatus::stopped;
    run.row.ended_ns = time_ns;
    run.dirty = true;
    run.ended = true;
  }
}

}  // namespace aimlog

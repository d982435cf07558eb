// The life of runs: found or made for a trial, attempts begun and ended, statuses set.
#pragma once

#include <string>

#include "plugin/commit/journal_image.h"
#include "plugin/store/environment.h"

namespace aimlog {

class RunKeeper {
 public:
  RunKeeper(WriteTransaction& txn, JournalImage& image) : txn_(txn), image_(image) {}

  // The run of a trial, made if it is new, with this journal in charge of it from now on: who
  // closes the journal closes the run. nullptr: the record with the trial's id is lost, and the
  // event cannot be placed.
  LiveRun* find(const TrialKey& trial, int64_t time_ns);

  // A new attempt; one that is still running is closed as stopped.
  void begin_attempt(LiveRun& run, int64_t time_ns);
  // A result came: begins an attempt where the host announced none, goes on with one that we had
  // closed ourselves.
  void go_on(LiveRun& run, int64_t time_ns);
  void pause(LiveRun& run, int64_t time_ns);
  // The newest attempt failed; the trial will be tried again.
  void fail_attempt(LiveRun& run, const std::string& error_text, int64_t time_ns);
  // `by_us`: our conclusion, which a later word of the host's may change.
  void end_run(LiveRun& run, TrialStatus status, int64_t time_ns, bool by_us);
  // All runs that this journal is in charge of. `time_ns` 0: each at the time of its own newest
  // event. Returns how many.
  uint32_t close_open_runs(TrialStatus status, int64_t time_ns);

  // The job is over and nobody else writes it: runs that were waiting, without a worker, when an
  // earlier writer died, and that the resumed job never started again, were not crashed but
  // stopped.
  void stop_waiting_runs(int64_t time_ns);

  // The host has said how it ended.
  static bool is_settled(const LiveRun& run) {
    return !is_open(run.row.status) && !run.row.closed_by_us;
  }

 private:
  LiveRun& add(const TrialKey& trial, const std::string& trial_id, int64_t time_ns);
  void take_charge(LiveRun& run, int64_t time_ns);
  void end_attempt(LiveRun& run, TrialStatus status, int64_t time_ns);

  WriteTransaction& txn_;
  JournalImage& image_;
};

}  // namespace aimlog

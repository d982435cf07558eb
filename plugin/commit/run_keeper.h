// The life of runs: found or made for a trial, attempts begun and ended, statuses set.
//
// Several journals may write one run, but one is in charge of it: its events decide the run's
// status, and its end closes the run. That is the journal through which the newest attempt began;
// or a later one whose host speaks of the run without having begun an attempt; or, where the newest
// attempt was closed by us, the first whose host still has something to say. What the others say
// belongs to the attempts that they began.
#pragma once

#include <string>

#include "plugin/commit/bind_job.h"
#include "plugin/commit/journal_image.h"
#include "plugin/store/environment.h"

namespace aimlog {

class RunKeeper {
 public:
  RunKeeper(WriteTransaction& txn, JournalImage& image, const IsLive& is_live)
      : txn_(txn), image_(image), is_live_(is_live) {}

  // The run of a trial, made if it is new. nullptr: the record with the trial's id is lost, and the
  // event cannot be placed.
  LiveRun* find(const TrialKey& trial, int64_t time_ns);
  // The same for an event that begins no attempt, with this journal in charge from now on if it may
  // be.
  LiveRun* take_up(const TrialKey& trial, int64_t time_ns);

  // A new attempt; one that is still running is closed as stopped. Where the start is an old one,
  // of a run that another journal has taken up since, the new attempt is closed at once.
  void begin_attempt(LiveRun& run, int64_t time_ns);
  // A result came: begins an attempt where the host announced none, goes on with one that we had
  // closed ourselves.
  void go_on(LiveRun& run, int64_t time_ns);
  void pause(LiveRun& run, int64_t time_ns);
  // The newest attempt failed; the trial will be tried again.
  void fail_attempt(LiveRun& run, const std::string& error_text, int64_t time_ns);
  // `by_us`: our conclusion, which a later word of the host's may change.
  void end_run(LiveRun& run, TrialStatus status, int64_t time_ns, bool by_us);
  // What became of an attempt that another journal's has followed; the run goes on.
  void end_followed(LiveRun& run, TrialStatus status, const std::string& error_text,
                    int64_t time_ns);
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
  void take_charge(LiveRun& run);
  void reopen(LiveRun& run);
  bool is_old_news(const LiveRun& run) const;
  bool has_later_attempt(const LiveRun& run) const;
  bool is_held_by_other(const LiveRun& run) const;
  void follow_attempts(LiveRun& run, int64_t time_ns);
  void end_attempt(LiveRun& run, TrialStatus status, int64_t time_ns);

  WriteTransaction& txn_;
  JournalImage& image_;
  const IsLive& is_live_;
};

}  // namespace aimlog

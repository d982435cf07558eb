// Hooks to events: the recording rules that need no look into the repo.
//
// The tracker looks nothing up. It mints a random job token (or takes it from a saved state) and
// writes token and trial keys; the committer binds token to job, trial to run and start to attempt
// when it applies the records. All of it runs on the host's thread; a warm result takes no lock, no
// allocation and no system call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "abi/include/tuner_plugin.h"
#include "plugin/config/config.h"
#include "plugin/journal/handover.h"
#include "plugin/journal/ring.h"
#include "plugin/tracker/counters.h"
#include "plugin/tracker/event_writer.h"
#include "plugin/tracker/result_encoder.h"
#include "plugin/tracker/session_state.h"
#include "plugin/tracker/trial_map.h"

namespace aimlog {

// Events come with the size already checked and fields beyond the host's size zeroed. Methods throw
// Error(invalid_argument) for what is a mistake of the caller, and count everything else.
class Tracker {
 public:
  Tracker(Ring& ring, Handover& handover, const Config& config);

  WriteOutcome setup(const tuner_setup_event& event);
  WriteOutcome step(const tuner_step_event& event);
  WriteOutcome start(const tuner_trial_start_event& event, const tuner_trial& trial, bool restored);
  [[gnu::hot]] WriteOutcome result(const tuner_trial_result_event& event);
  WriteOutcome checkpoint(const tuner_checkpoint_event& event, bool saved);
  WriteOutcome complete(const tuner_trial_end_event& event);
  WriteOutcome pause(const tuner_trial_end_event& event);
  WriteOutcome failure(const tuner_trial_error_event& event, bool final);
  WriteOutcome experiment_end(const tuner_experiment_end_event& event);
  // The last record of a ring that is closed in good order, and the gap before it.
  void close();

  Bytes state();
  void set_state(ByteView state);  // before setup and hooks: else Error(busy)

  // An event could not be recorded at all.
  void drop(bool is_result) { writer_.drop(is_result ? EventType::result : EventType::start); }

  const Counters& counters() const { return counters_; }
  std::vector<std::string> unmatched_patterns() const;
  size_t live_trials() const { return trials_.size(); }

 private:
  // The first record of every ring; hosts need not call setup. False where there was no room for
  // it: the next hook tries again.
  bool begin(const tuner_setup_event* event);
  SessionEvent open_session(const tuner_setup_event* event);
  void fit(SessionEvent& session);
  void fit(StartEvent& start);
  [[gnu::noinline]] WriteOutcome record_result(const tuner_trial_result_event& event);
  TrackedTrial& find_trial(uint64_t host_key, const tuner_string& id);
  bool announce(TrackedTrial& trial);
  bool announce(ResultShape& shape);
  template <typename E>
  WriteOutcome write_trial_event(TrackedTrial& trial, E&& event);
  std::string text(const tuner_string& raw);
  static int64_t time_of(int64_t host_ns);

  // What each result needs comes first, in few cache lines.
  Counters counters_;
  EventWriter writer_;
  TrialMap trials_;
  // Made at the beginning, when the reserved keys are known: it is there once there is a trial.
  std::optional<ResultEncoder> encoder_;
  Ring& ring_;
  Config config_;
  SessionState state_;
  bool state_given_ = false;
  bool begun_ = false;                   // setup has come, or a hook
  bool recording_ = false;               // the session is in the ring
  std::optional<SessionEvent> session_;  // until then
};

}  // namespace aimlog

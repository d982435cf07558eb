#include "plugin/tracker/tracker.h"

#include <unistd.h>

#include <algorithm>

#include "plugin/base/clock.h"
#include "plugin/base/prepare_exceptions.h"
#include "plugin/base/random.h"
#include "plugin/base/small_bytes.h"
#include "plugin/base/utf8.h"
#include "plugin/model/event_codec.h"
#include "plugin/tracker/encode_value.h"

namespace aimlog {
namespace {

constexpr size_t text_bytes_max = 64 * 1024;  // of a name, a path, an error text
constexpr size_t start_bytes_max = 512;       // of a start's record but its texts and maps

void cut(std::string& text, size_t bytes_max) { text.resize(cut_utf8(text, bytes_max).size()); }

std::string machine_name() {
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0) return "";
  return name;
}

}  // namespace

Tracker::Tracker(Ring& ring, Handover& handover, const Config& config)
    : writer_(ring, handover, config, counters_), ring_(ring), config_(config) {
  state_.token = random_128();
}

// Of at most half a record, which is little where the journal is small: the rest of its event has
// to find room, too.
std::string Tracker::text(const tuner_string& raw) {
  const size_t bytes_max = std::min<size_t>(text_bytes_max, ring_.writer().record_bytes_max() / 2);
  const std::string_view whole = view(raw);
  if (whole.size() > bytes_max) ++counters_.values_cut;
  std::string made = make_text(cut_utf8(whole, bytes_max), counters_);
  cut(made, bytes_max);  // repairing makes it longer
  return made;
}

int64_t Tracker::time_of(int64_t host_ns) { return host_ns != 0 ? host_ns : wall_clock_ns(); }

bool Tracker::begin(const tuner_setup_event* event) {
  if (!begun_) {
    session_ = open_session(event);
    begun_ = true;
  }
  recording_ = writer_.announce(*session_);
  if (recording_) session_.reset();
  return recording_;
}

// One that is larger than any record may be would never be recorded, nor anything behind it.
void Tracker::fit(SessionEvent& session) {
  const size_t bytes_max = ring_.writer().record_bytes_max();
  Bytes whole;
  append_event(whole, session);
  if (whole.size() <= bytes_max) return;
  ++counters_.values_cut;
  session.stop.clear();
  const size_t text_max = bytes_max / 32;
  for (std::string* text :
       {&session.machine, &session.experiment, &session.job_id, &session.experiment_dir,
        &session.host_name, &session.host_version, &session.metric_namespace, &session.metric,
        &session.mode, &session.description}) {
    cut(*text, text_max);
  }
  if (session.tags.size() > 8) session.tags.resize(8);
  for (std::string& tag : session.tags) cut(tag, text_max);
}

// Half a record is for its two maps; where the journal is small, all the names and paths together
// may be too long for the other half.
void Tracker::fit(StartEvent& start) {
  std::string* const texts[] = {&start.name,           &start.trainable_name, &start.experiment_tag,
                                &start.local_dir,      &start.remote_dir,     &start.node_ip,
                                &start.checkpoint_path};
  const size_t bytes_max = ring_.writer().record_bytes_max();
  size_t bytes = 0;
  for (const std::string* each : texts) bytes += each->size();
  if (bytes <= bytes_max / 2 - start_bytes_max) return;
  ++counters_.values_cut;
  for (std::string* each : texts) cut(*each, bytes_max / 16);
}

SessionEvent Tracker::open_session(const tuner_setup_event* event) {
  ShapeRules rules;
  if (config_.metrics) rules.filter = MetricFilter(*config_.metrics);
  rules.context_and_epoch = config_.context_and_epoch;
  rules.record_bytes_max = ring_.writer().record_bytes_max() - 64;
  SessionEvent session;
  session.token = state_.token;
  session.token_from_state = state_given_;
  session.resumed = event == nullptr ? TUNER_RESUMED_UNKNOWN : event->resumed;
  session.time_ns = wall_clock_ns();
  session.pid = getpid();
  session.machine = machine_name();
  session.tags = config_.tags;
  session.description = config_.description;
  if (!config_.experiment.empty()) state_.experiment = config_.experiment;
  if (event != nullptr) {
    if (config_.experiment.empty() && event->experiment_name.length != 0) {
      state_.experiment = text(event->experiment_name);
    }
    state_.job_id = text(event->job_id);
    session.experiment_dir = text(event->experiment_dir);
    session.host_name = text(event->host_name);
    session.host_version = text(event->host_version);
    session.metric_namespace = text(event->metric_namespace);
    session.metric = text(event->metric);
    session.mode = text(event->mode);
    session.num_samples = event->num_samples;
    session.total_num_samples = event->total_num_samples;
    session.time_budget_s = event->time_budget_s;
    if (event->stop != nullptr) encode_value(session.stop, *event->stop, counters_);
    for (uint64_t i = 0; event->reserved_keys != nullptr && i < event->reserved_key_count; ++i) {
      rules.reserved_keys.emplace_back(view(event->reserved_keys[i]));
    }
  }
  if (state_.experiment.empty()) state_.experiment = "default";
  session.experiment = state_.experiment;
  session.job_id = state_.job_id;
  encoder_.emplace(std::move(rules), counters_);
  fit(session);
  return session;
}

WriteOutcome Tracker::setup(const tuner_setup_event& event) {
  if (begun_) throw Error(ErrorCode::busy, "setup comes once, and before every other hook");
  if (event.resumed < TUNER_RESUMED_NO || event.resumed > TUNER_RESUMED_UNKNOWN) {
    throw Error(ErrorCode::invalid_argument, "setup: resumed is " + std::to_string(event.resumed) +
                                                 "; it is 0 (fresh), 1 (resumed) or 2 (not known)");
  }
  return begin(&event) ? WriteOutcome::ok : writer_.drop(EventType::session);
}

WriteOutcome Tracker::step(const tuner_step_event&) {
  // A turn of the host's loop is nothing to be recorded.
  return WriteOutcome::ok;
}

TrackedTrial& Tracker::find_trial(uint64_t host_key, const tuner_string& id) {
  if (id.length == 0 || id.data == nullptr) {
    throw Error(ErrorCode::invalid_argument, "the event names no trial: trial_id is empty");
  }
  if (!recording_) begin(nullptr);
  return trials_.find(host_key, view(id),
                      [&](std::string_view raw) { return make_text(raw, counters_); });
}

bool Tracker::announce(TrackedTrial& trial) {
  if (!recording_) return false;  // what comes before its session nobody could place
  if (!trial.announced) {
    trial.announced =
        writer_.announce(TrialEvent{trial.key, text({trial.raw_id.data(), trial.raw_id.size()})});
  }
  return trial.announced;
}

bool Tracker::announce(ResultShape& shape) {
  if (!shape.announced) {
    shape.announced = writer_.announce(ShapeEvent{shape.hash, shape.context, shape.names});
  }
  return shape.announced;
}

template <typename E>
WriteOutcome Tracker::write_trial_event(TrackedTrial& trial, E&& event) {
  event.trial = trial.key;
  if (!announce(trial)) return writer_.drop(event_type(event));
  return writer_.write(event);
}

WriteOutcome Tracker::start(const tuner_trial_start_event& event, const tuner_trial& trial,
                            bool restored) {
  TrackedTrial& tracked = find_trial(event.trial_key, trial.id);
  StartEvent start;
  start.time_ns = time_of(event.time_ns);
  start.restored = restored;
  start.host_status = trial.status >= TUNER_TRIAL_UNKNOWN && trial.status <= TUNER_TRIAL_STOPPED
                          ? static_cast<TrialStatus>(trial.status)
                          : TrialStatus::unknown;
  start.name = text(trial.name);
  start.trainable_name = text(trial.trainable_name);
  start.experiment_tag = text(trial.experiment_tag);
  start.local_dir = text(trial.local_dir);
  start.remote_dir = text(trial.remote_dir);
  start.node_ip = text(trial.node_ip);
  start.pid = trial.pid;
  start.failure_count = trial.failure_count;
  start.host_attempt = trial.attempt;
  start.checkpoint_path = text(event.checkpoint_path);
  fit(start);
  const size_t budget = ring_.writer().record_bytes_max() / 4;
  start.params = encode_map(trial.params, budget, counters_);
  start.config = encode_map(trial.config, budget, counters_);
  return write_trial_event(tracked, start);
}

// Nearly every result comes from a trial that is known, has the shape that was expected, and finds
// room: it goes straight into the ring. Where results come seldom, a call
// is mostly waiting for code and data to come into the caches, so this way is short; all else is
// record_result()'s.
WriteOutcome Tracker::result(const tuner_trial_result_event& event) {
  const bool usual =
      event.result != nullptr && event.result->tag == TUNER_TAG_MAP && event.time_ns != 0;
  if (!usual) [[unlikely]]
    return record_result(event);
  const TrackedTrial* trial = trials_.known(event.trial_key, view(event.trial_id));
  if (trial == nullptr || !trial->announced) [[unlikely]]
    return record_result(event);
  const ResultShape* shape = encoder_->expected();
  if (shape == nullptr) [[unlikely]]
    return record_result(event);
  prefetch<8>(shape->plan.data());
  char* place = writer_.reserve_result(shape->number_bytes());
  if (place == nullptr) [[unlikely]]
    return record_result(event);
  prefetch<4, true>(place);
  const size_t bytes =
      encoder_->encode_expected(*shape, *event.result, event.time_ns, place + result_prefix_bytes);
  if (bytes == 0) [[unlikely]]
    return record_result(event);
  ++counters_.results;
  const WriteOutcome outcome = writer_.publish_result(trial->key, shape->hash, place, bytes);
  if (outcome != WriteOutcome::dropped) [[likely]]
    counters_.points += encoder_->numbers();
  return outcome;
}

WriteOutcome Tracker::record_result(const tuner_trial_result_event& event) {
  prepare_exceptions();
  TrackedTrial& trial = find_trial(event.trial_key, event.trial_id);
  if (event.result == nullptr || event.result->tag != TUNER_TAG_MAP) {
    throw Error(ErrorCode::invalid_argument, "the result is no map");
  }
  ++counters_.results;
  ResultShape& shape = encoder_->encode(*event.result, time_of(event.time_ns));
  if (!announce(trial) || !announce(shape)) {
    return writer_.drop(EventType::result);
  }
  const WriteOutcome outcome = writer_.write_result(trial.key, shape.hash, encoder_->bytes());
  if (outcome != WriteOutcome::dropped) counters_.points += encoder_->numbers();
  return outcome;
}

WriteOutcome Tracker::checkpoint(const tuner_checkpoint_event& event, bool saved) {
  TrackedTrial& trial = find_trial(event.trial_key, event.trial_id);
  CheckpointEvent checkpoint;
  checkpoint.time_ns = time_of(event.time_ns);
  checkpoint.saved = saved;
  checkpoint.has_step = event.has_step != 0;
  checkpoint.step = event.step;
  checkpoint.path = text(event.path);
  return write_trial_event(trial, checkpoint);
}

WriteOutcome Tracker::complete(const tuner_trial_end_event& event) {
  TrackedTrial& trial = find_trial(event.trial_key, event.trial_id);
  EndEvent end;
  end.time_ns = time_of(event.time_ns);
  end.status = event.status == TUNER_TRIAL_STOPPED ? TrialStatus::stopped : TrialStatus::completed;
  const WriteOutcome outcome = write_trial_event(trial, end);
  trials_.forget(view(event.trial_id));
  return outcome;
}

WriteOutcome Tracker::pause(const tuner_trial_end_event& event) {
  TrackedTrial& trial = find_trial(event.trial_key, event.trial_id);
  EndEvent end;
  end.time_ns = time_of(event.time_ns);
  end.status = TrialStatus::paused;
  return write_trial_event(trial, end);
}

WriteOutcome Tracker::failure(const tuner_trial_error_event& event, bool final) {
  TrackedTrial& trial = find_trial(event.trial_key, event.trial_id);
  FailureEvent failure;
  failure.time_ns = time_of(event.time_ns);
  failure.final = final;
  failure.failure_count = event.failure_count;
  failure.error_text = text(event.error_text);
  const WriteOutcome outcome = write_trial_event(trial, failure);
  if (final) trials_.forget(view(event.trial_id));
  return outcome;
}

WriteOutcome Tracker::experiment_end(const tuner_experiment_end_event& event) {
  if (!recording_ && !begin(nullptr)) return writer_.drop(EventType::experiment_end);
  return writer_.write(ExperimentEndEvent{time_of(event.time_ns), event.interrupted != 0});
}

void Tracker::close() {
  // A ring that never had a session has nothing to close. Where there is no room for the record the
  // committer's end in good order says the same; and whoever ends the instance waits for all.
  if (!recording_) return;
  // The most of that time is the committer's.
  writer_.begin_close(std::chrono::milliseconds(config_.close_timeout_ms / 5));
  writer_.announce(CloseEvent{wall_clock_ns()});
}

Bytes Tracker::state() {
  if (!config_.experiment.empty()) state_.experiment = config_.experiment;
  return encode_session_state(state_);
}

void Tracker::set_state(ByteView state) {
  if (begun_) throw Error(ErrorCode::busy, "set_state comes before setup and before every hook");
  const SessionState given = decode_session_state(state);
  state_ = given;
  state_given_ = true;
}

std::vector<std::string> Tracker::unmatched_patterns() const {
  return encoder_ ? encoder_->unmatched_patterns() : std::vector<std::string>();
}

}  // namespace aimlog

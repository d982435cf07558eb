#include "plugin/commit/apply_event.h"

#include <algorithm>

#include "plugin/commit/seal_run.h"
#include "plugin/commit/take_over.h"
#include "plugin/model/event_codec.h"
#include "plugin/model/result_codec.h"
#include "plugin/model/value.h"
#include "plugin/store/job_table.h"
#include "plugin/store/journal_table.h"
#include "plugin/store/name_table.h"
#include "plugin/store/run_table.h"

namespace aimlog {
namespace {

void check_if_given(ByteView value) {
  if (!value.empty()) check_value(value);
}

// Values inside of events go into rows as they are. A bad one there would be met by whoever reads
// the run, again and again.
void check_values(const Event& event) {
  if (const auto* session = std::get_if<SessionEvent>(&event)) {
    check_if_given(session->stop);
  } else if (const auto* shape = std::get_if<ShapeEvent>(&event)) {
    check_if_given(shape->context);
  } else if (const auto* start = std::get_if<StartEvent>(&event)) {
    check_if_given(start->params);
    check_if_given(start->config);
  } else if (const auto* result = std::get_if<ResultEvent>(&event)) {
    ResultParts(result->result)
        .visit([](uint32_t, const Number&) {},
               [](uint32_t, ByteView value) { check_value(value); });
  }
}

}  // namespace

std::optional<Event> EventApplier::decode(EventType type, ByteView payload) {
  // Its checksum held, so this is a record of a later version or a mistake of ours: it must not
  // hold up those behind it.
  try {
    const Event event = decode_event(type, payload);
    check_values(event);
    return event;
  } catch (const Error&) {
    return std::nullopt;
  }
}

void EventApplier::apply(EventType type, uint64_t sequence, ByteView payload) {
  sequence_ = sequence;
  const std::optional<Event> event = decode(type, payload);
  const bool placed = event && std::visit([&](const auto& e) { return place(e); }, *event);
  if (placed) return;
  ++(type == EventType::result ? image_.results_undecodable : image_.others_undecodable);
}

bool EventApplier::place(const SessionEvent& event) {
  if (image_.row.number == 0) image_.row.number = next_journal_number(txn_);
  image_.row.job = bind_job(txn_, image_.ring, event, is_live_);
  image_.row.started_ns = event.time_ns;
  image_.row.pid = event.pid;
  image_.row.machine = event.machine;
  image_.row.ended = false;
  image_.job = get_job(txn_, image_.row.job);
  return true;
}

bool EventApplier::place(const TrialEvent& event) {
  if (image_.row.job == 0) return false;
  if (!find_run(txn_, image_.row.job, event.trial))
    put_trial_id(txn_, image_.row.job, event.trial, event.id);
  return true;
}

bool EventApplier::place(const ShapeEvent& event) {
  ShapeRow row;
  row.hash = event.hash;
  row.context = intern_context(txn_, event.context);
  for (const std::string& name : event.names) row.names.push_back(intern_name(txn_, name));
  image_.shapes[event.hash] = put_shape(txn_, row);
  return true;
}

ShapeNumber EventApplier::find_shape_number(const Hash128& hash) {
  const auto known = image_.shapes.find(hash);
  if (known != image_.shapes.end()) return known->second;
  const ShapeNumber number = find_shape(txn_, hash).value_or(0);
  if (number != 0) image_.shapes[hash] = number;
  return number;
}

bool EventApplier::place(const StartEvent& event) {
  LiveRun* run = runs_.find(event.trial, event.time_ns);
  if (run == nullptr) return false;
  // A restore right behind its start speaks of the same start.
  const bool same_start = event.restored && run->in_charge &&
                          run->row.status == TrialStatus::running && run->results == 0 &&
                          !run->attempt.restored;
  if (!same_start) runs_.begin_attempt(*run, event.time_ns);
  describe(*run, event);
  return true;
}

void EventApplier::describe(LiveRun& run, const StartEvent& event) {
  AttemptRow& attempt = run.attempt;
  if (event.host_attempt != 0) attempt.host_attempt = event.host_attempt;
  if (event.pid != 0) attempt.pid = event.pid;
  attempt.restored = attempt.restored || event.restored;
  take_over(attempt.node_ip, event.node_ip);
  take_over(attempt.checkpoint_path, event.checkpoint_path);
  run.dirty = true;
  if (!run.in_charge) return;  // an old start
  take_over(run.row.trial_name, event.name);
  take_over(run.row.trainable_name, event.trainable_name);
  take_over(run.row.experiment_tag, event.experiment_tag);
  take_over(run.row.local_dir, event.local_dir);
  take_over(run.row.remote_dir, event.remote_dir);
  run.row.failures = std::max(run.row.failures, event.failure_count);
  if (event.params.empty() && event.config.empty()) return;
  const auto newest = get_params(txn_, run.number);
  ParamsRow row = newest.value_or(ParamsRow{});
  take_over(row.params, event.params);
  take_over(row.config, event.config);
  if (newest && newest->params == row.params && newest->config == row.config) return;
  row.time_ns = event.time_ns;
  row.attempt = run.row.attempts;
  add_params(txn_, run.number, row);
}

bool EventApplier::place(const ResultEvent& event) {
  const ResultHead head = decode_result_head(event.result);
  const ShapeNumber shape = find_shape_number(event.shape);
  // Else whoever reads the run would meet a result that does not fit, again and again.
  if (shape == 0 || head.columns != shape_row(txn_, image_, shape).names.size()) return false;
  LiveRun* run = runs_.take_up(event.trial, head.time_ns);
  if (run == nullptr) return false;
  runs_.go_on(*run, head.time_ns);
  const size_t offset = run->result_bytes.size();
  run->result_bytes.append(event.result);
  ++run->results;
  if (head.step_is_count) {
    set_result_step(run->result_bytes, offset, static_cast<int64_t>(run->results));
  }
  run->pending.push_back({sequence_, shape, run->attempt_number, 0, offset, event.result.size()});
  return true;
}

bool EventApplier::place(const CheckpointEvent& event) {
  const LiveRun* run = runs_.take_up(event.trial, event.time_ns);
  if (run == nullptr) return false;
  add_checkpoint(
      txn_, run->number,
      {event.time_ns, run->attempt_number, event.saved, event.has_step, event.step, event.path});
  return true;
}

bool EventApplier::place(const EndEvent& event) {
  LiveRun* run = runs_.take_up(event.trial, event.time_ns);
  if (run == nullptr) return false;
  if (!run->in_charge) {
    if (event.status != TrialStatus::paused)
      runs_.end_followed(*run, event.status, {}, event.time_ns);
    return true;
  }
  if (RunKeeper::is_settled(*run)) return true;
  if (event.status == TrialStatus::paused) {
    runs_.pause(*run, event.time_ns);
    return true;
  }
  // What never ran, or waits to be tried again, did not complete.
  const bool idle = run->row.attempts == 0 || run->row.status == TrialStatus::pending;
  runs_.end_run(*run, idle ? TrialStatus::stopped : event.status, event.time_ns, false);
  return true;
}

bool EventApplier::place(const FailureEvent& event) {
  LiveRun* run = runs_.take_up(event.trial, event.time_ns);
  if (run == nullptr) return false;
  if (!run->in_charge) {
    runs_.end_followed(*run, TrialStatus::failed, event.error_text, event.time_ns);
    return true;
  }
  if (RunKeeper::is_settled(*run)) return true;
  run->row.failures = event.failure_count != 0 ? std::max(run->row.failures, event.failure_count)
                                               : run->row.failures + 1;
  run->row.error_text = event.error_text;
  if (!event.final) {
    runs_.fail_attempt(*run, event.error_text, event.time_ns);
    return true;
  }
  if (run->attempt_number > 0 && run->row.status == TrialStatus::running) {
    run->attempt.error_text = event.error_text;
  }
  runs_.end_run(*run, TrialStatus::failed, event.time_ns, false);
  return true;
}

bool EventApplier::place(const ExperimentEndEvent& event) {
  if (image_.row.job == 0) return false;
  image_.row.ended = true;
  image_.job = get_job(txn_, image_.row.job);
  image_.job.ended_ns = 0;
  image_.job.end_said_ns = event.time_ns;
  image_.job.interrupted = event.interrupted;
  put_job(txn_, image_.row.job, image_.job);
  close(TrialStatus::stopped, event.time_ns);
  return true;
}

uint32_t EventApplier::close(TrialStatus status, int64_t time_ns) {
  const uint32_t closed = runs_.close_open_runs(status, time_ns);
  end_job_with_last_journal();
  return closed;
}

// The host's word that the job is over counts when nobody works on it any more.
void EventApplier::end_job_with_last_journal() {
  if (image_.row.job == 0) return;
  image_.job = get_job(txn_, image_.row.job);
  if (image_.job.end_said_ns == 0 || image_.job.ended_ns != 0) return;
  if (has_other_working_journal(txn_, image_.ring, image_.row.job, is_live_)) return;
  runs_.stop_waiting_runs(image_.job.end_said_ns);
  image_.job.ended_ns = image_.job.end_said_ns;
  put_job(txn_, image_.row.job, image_.job);
}

bool EventApplier::place(const CloseEvent& event) {
  if (image_.row.job == 0) return false;
  close(TrialStatus::stopped, event.time_ns);
  image_.row.closed = true;
  return true;
}

bool EventApplier::place(const GapEvent& event) {
  add_loss(txn_, {LossKind::dropped, image_.row.job, image_.row.number, event.first_ns,
                  event.last_ns, event.results, event.others});
  return true;
}

}  // namespace aimlog

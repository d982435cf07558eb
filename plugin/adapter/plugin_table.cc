#include "plugin/adapter/plugin_table.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

#include "plugin/adapter/growable.h"
#include "plugin/adapter/guard.h"
#include "plugin/adapter/instance.h"
#include "plugin/adapter/read_table.h"
#include "plugin/adapter/streams.h"
#include "plugin/adapter/version.h"
#include "plugin/base/prepare_exceptions.h"
#include "plugin/base/signals.h"
#include "plugin/tracker/encode_value.h"

namespace aimlog {
namespace {

// The only cast from the host's handle.
Instance& from(tuner_instance* handle) {
  if (handle == nullptr) [[unlikely]] {
    throw Error(ErrorCode::invalid_argument, "the instance is NULL");
  }
  return *reinterpret_cast<Instance*>(handle);
}

[[gnu::cold]] tuner_status refuse_child(tuner_error* error) {
  write_error(error, "this is a forked child; instances of the parent do nothing here");
  return TUNER_INERT;
}

tuner_status to_status(WriteOutcome outcome) {
  switch (outcome) {
    case WriteOutcome::ok:
      return TUNER_OK;
    case WriteOutcome::dropped:
      return TUNER_DROPPED;
    case WriteOutcome::not_durable:
      return TUNER_NOT_DURABLE;
  }
  return TUNER_INTERNAL;
}

// Of the structs that hosts hand over, those that are something to record.
template <typename Event>
constexpr bool is_result = std::is_same_v<Event, tuner_trial_result_event>;
template <typename Event>
constexpr bool is_recorded =
    !std::is_same_v<Event, tuner_step_event> && !std::is_same_v<Event, tuner_output_stream> &&
    !std::is_same_v<Event, tuner_input_stream>;

// An event for which there was no memory is lost like one for which there was no room.
template <typename Event, typename Work>
WriteOutcome counting_drops(Tracker& tracker, Work&& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    if constexpr (is_recorded<Event>) tracker.drop(is_result<Event>);
    throw;
  }
}

// What all hooks have in common. `work` takes the instance and a copy of the event in our form.
template <typename Event, typename Work>
tuner_status hook(tuner_instance* handle, const Event* event, const char* name, tuner_error* error,
                  Work&& work) noexcept {
  return guard(error, [&]() -> tuner_status {
    Instance& instance = from(handle);
    if (instance.is_child()) [[unlikely]]
      return refuse_child(error);
    instance.drain_log();
    // Not for each result: where these are more than a copy the tracker does it.
    if constexpr (is_recorded<Event> && !is_result<Event>) prepare_exceptions();
    const WriteOutcome outcome = counting_drops<Event>(
        instance.tracker(), [&] { return work(instance.tracker(), read_growable(event, name)); });
    if (outcome == WriteOutcome::dropped) [[unlikely]]
      instance.tell_dropped();
    return to_status(outcome);
  });
}

tuner_status create(const tuner_create_args* args, tuner_instance** out,
                    tuner_error* error) noexcept {
  return guard(error, [&]() -> tuner_status {
    if (out == nullptr) throw Error(ErrorCode::invalid_argument, "create: instance is NULL");
    *out = nullptr;
    const FileSizeSignalBlocked blocked;
    prepare_exceptions();
    auto instance = std::make_unique<Instance>(read_growable(args, "create: args"));
    instance->drain_log();
    *out = reinterpret_cast<tuner_instance*>(instance.release());
    return TUNER_OK;
  });
}

tuner_status destroy(tuner_instance* handle, tuner_error* error) noexcept {
  return guard(error, [&]() -> tuner_status {
    if (handle == nullptr) return TUNER_OK;
    Instance& instance = from(handle);
    if (instance.is_child()) return refuse_child(error);
    tuner_status status = TUNER_OK;
    if (instance.shut_down(status, error)) delete &instance;
    return status;
  });
}

tuner_status setup(tuner_instance* self, const tuner_setup_event* event,
                   tuner_error* error) noexcept {
  return hook(self, event, "setup: event", error,
              [](Tracker& tracker, const tuner_setup_event& e) { return tracker.setup(e); });
}

tuner_status on_step(tuner_instance* self, const tuner_step_event* event,
                     tuner_error* error) noexcept {
  return hook(self, event, "on_step: event", error,
              [](Tracker& tracker, const tuner_step_event& e) { return tracker.step(e); });
}

tuner_status on_trial_start(tuner_instance* self, const tuner_trial_start_event* event,
                            tuner_error* error) noexcept {
  return hook(self, event, "on_trial_start: event", error,
              [](Tracker& tracker, const tuner_trial_start_event& e) {
                return tracker.start(e, read_growable(e.trial, "on_trial_start: trial"), false);
              });
}

tuner_status on_trial_restore(tuner_instance* self, const tuner_trial_start_event* event,
                              tuner_error* error) noexcept {
  return hook(self, event, "on_trial_restore: event", error,
              [](Tracker& tracker, const tuner_trial_start_event& e) {
                return tracker.start(e, read_growable(e.trial, "on_trial_restore: trial"), true);
              });
}

tuner_status on_trial_save(tuner_instance* self, const tuner_checkpoint_event* event,
                           tuner_error* error) noexcept {
  return hook(self, event, "on_trial_save: event", error,
              [](Tracker& tracker, const tuner_checkpoint_event& e) {
                return tracker.checkpoint(e, true);
              });
}

[[gnu::hot]] tuner_status on_trial_result(tuner_instance* self,
                                          const tuner_trial_result_event* event,
                                          tuner_error* error) noexcept {
  return hook(
      self, event, "on_trial_result: event", error,
      [](Tracker& tracker, const tuner_trial_result_event& e) { return tracker.result(e); });
}

tuner_status on_trial_complete(tuner_instance* self, const tuner_trial_end_event* event,
                               tuner_error* error) noexcept {
  return hook(self, event, "on_trial_complete: event", error,
              [](Tracker& tracker, const tuner_trial_end_event& e) { return tracker.complete(e); });
}

tuner_status on_trial_recover(tuner_instance* self, const tuner_trial_error_event* event,
                              tuner_error* error) noexcept {
  return hook(
      self, event, "on_trial_recover: event", error,
      [](Tracker& tracker, const tuner_trial_error_event& e) { return tracker.failure(e, false); });
}

tuner_status on_trial_error(tuner_instance* self, const tuner_trial_error_event* event,
                            tuner_error* error) noexcept {
  return hook(
      self, event, "on_trial_error: event", error,
      [](Tracker& tracker, const tuner_trial_error_event& e) { return tracker.failure(e, true); });
}

tuner_status on_trial_pause(tuner_instance* self, const tuner_trial_end_event* event,
                            tuner_error* error) noexcept {
  return hook(self, event, "on_trial_pause: event", error,
              [](Tracker& tracker, const tuner_trial_end_event& e) { return tracker.pause(e); });
}

tuner_status on_checkpoint(tuner_instance* self, const tuner_checkpoint_event* event,
                           tuner_error* error) noexcept {
  return hook(self, event, "on_checkpoint: event", error,
              [](Tracker& tracker, const tuner_checkpoint_event& e) {
                return tracker.checkpoint(e, false);
              });
}

tuner_status on_experiment_end(tuner_instance* self, const tuner_experiment_end_event* event,
                               tuner_error* error) noexcept {
  return hook(self, event, "on_experiment_end: event", error,
              [](Tracker& tracker, const tuner_experiment_end_event& e) {
                return tracker.experiment_end(e);
              });
}

tuner_status get_state(tuner_instance* self, const tuner_output_stream* stream,
                       tuner_error* error) noexcept {
  return hook(self, stream, "get_state: stream", error,
              [](Tracker& tracker, const tuner_output_stream& out) -> WriteOutcome {
                write_stream(out, tracker.state(), "get_state");
                return WriteOutcome::ok;
              });
}

Bytes read_stream(const tuner_input_stream& in) {
  if (in.read == nullptr) throw Error(ErrorCode::invalid_argument, "set_state: read is NULL");
  Bytes state;
  char part[4096];
  while (true) {
    const int64_t got = in.read(in.stream_data, part, sizeof part);
    if (got == 0) return state;
    if (got < 0 || got > static_cast<int64_t>(sizeof part)) {
      throw Error(ErrorCode::io, "set_state: the host's stream failed");
    }
    state.append(part, static_cast<size_t>(got));
    if (state.size() > session_state_bytes_max) {
      throw Error(ErrorCode::corrupt, "set_state: this is no state of aimlog: it is too long");
    }
  }
}

tuner_status set_state(tuner_instance* self, const tuner_input_stream* stream,
                       tuner_error* error) noexcept {
  const tuner_status status = hook(self, stream, "set_state: stream", error,
                                   [](Tracker& tracker, const tuner_input_stream& in) {
                                     tracker.set_state(read_stream(in));
                                     return WriteOutcome::ok;
                                   });
  // Here bad bytes are the caller's, not the disk's.
  const bool bad_bytes = status == TUNER_IO_ERROR || status == TUNER_INVALID_CONFIG;
  return bad_bytes ? TUNER_INVALID_STATE : status;
}

tuner_status flush(tuner_instance* self, const tuner_flush_event* event,
                   tuner_error* error) noexcept {
  return guard(error, [&]() -> tuner_status {
    Instance& instance = from(self);
    if (instance.is_child()) return refuse_child(error);
    const tuner_status status =
        instance.flush(read_growable(event, "flush: event").timeout_ms, error);
    instance.drain_log();
    return status;
  });
}

tuner_status get_stats(tuner_instance* self, tuner_stats* stats, tuner_error* error) noexcept {
  return guard(error, [&]() -> tuner_status {
    Instance& instance = from(self);
    if (instance.is_child()) return refuse_child(error);
    instance.drain_log();
    tuner_stats filled = read_growable(stats, "get_stats: stats");
    instance.fill_stats(filled);
    // Never past the caller's size, and the size stays the caller's.
    const size_t bytes = std::min<size_t>(stats->size, sizeof filled);
    filled.size = stats->size;
    std::memcpy(stats, &filled, bytes);
    return TUNER_OK;
  });
}

const void* get_extension(tuner_string id) noexcept {
  return view(id) == AIMLOG_READ_EXTENSION ? &read_table : nullptr;
}

}  // namespace

const tuner_plugin plugin_table = {
    sizeof(tuner_plugin),
    TUNER_FLAG_UNLOAD_SAFE,
    TUNER_ABI_VERSION_MIN,
    TUNER_ABI_VERSION_MAX,
    "aimlog",
    AIMLOG_VERSION,
    create,
    destroy,
    setup,
    on_step,
    on_step,
    on_trial_start,
    on_trial_restore,
    on_trial_save,
    on_trial_result,
    on_trial_complete,
    on_trial_recover,
    on_trial_error,
    on_trial_pause,
    on_checkpoint,
    on_experiment_end,
    get_state,
    set_state,
    flush,
    get_stats,
    get_extension,
};

}  // namespace aimlog

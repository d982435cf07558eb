// The functions behind the slots of a plugin's table, for PluginBase. Included by plugin_entry.hpp.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <new>

#include "plugin_base.hpp"

namespace tuner {

// Every call from the host goes through here: instance, fork, size and sense of the event are
// looked at once, and no exception leaves.
struct Thunks {
  static PluginBase* from(tuner_instance* instance) noexcept {
    return reinterpret_cast<PluginBase*>(instance);
  }
  static tuner_instance* to(PluginBase* plugin) noexcept {
    return reinterpret_cast<tuner_instance*>(plugin);
  }

  static tuner_status refuse(tuner_error* error, tuner_status status, const char* what) noexcept {
    write_error(error, what);
    return status;
  }

  template <class Body>
  static tuner_status guard(tuner_error* error, Body&& body) noexcept {
    try {
      return body();
    } catch (const PluginError& e) {
      return refuse(error, e.status(), e.what());
    } catch (const std::bad_alloc&) {
      return refuse(error, TUNER_OUT_OF_MEMORY, "out of memory");
    } catch (const std::exception& e) {
      return refuse(error, TUNER_INTERNAL, e.what());
    } catch (...) {
      return refuse(error, TUNER_INTERNAL, "an unknown exception");
    }
  }

  // What makes sense beyond the size of an event; NULL if it does, else what is wrong.
  template <class Event>
  static const char* problem(const Event&) noexcept {
    return nullptr;
  }
  static const char* no_trial(tuner_string id) noexcept {
    return view(id).empty() ? "the event has no trial id" : nullptr;
  }
  static const char* problem(const tuner_trial_result_event& event) noexcept {
    if (event.result == nullptr || event.result->tag != TUNER_TAG_MAP) return "a result is a map";
    return no_trial(event.trial_id);
  }
  static const char* problem(const tuner_checkpoint_event& e) noexcept {
    return no_trial(e.trial_id);
  }
  static const char* problem(const tuner_trial_end_event& e) noexcept {
    return no_trial(e.trial_id);
  }
  static const char* problem(const tuner_trial_error_event& e) noexcept {
    return no_trial(e.trial_id);
  }

  template <class Event>
  static tuner_status enter(tuner_instance* instance, const Event* given, Event& event,
                            tuner_error* error) noexcept {
    write_error(error, {});
    if (instance == nullptr) return refuse(error, TUNER_INVALID_ARGUMENT, "the instance is NULL");
    if (from(instance)->is_inert()) {
      return refuse(error, TUNER_INERT, "called in a forked child: nothing was done");
    }
    if (!read_growable(event, given)) {
      return refuse(error, TUNER_INVALID_ARGUMENT, "the event is NULL or its size too small");
    }
    const char* what = problem(event);
    return what == nullptr ? TUNER_OK : refuse(error, TUNER_INVALID_ARGUMENT, what);
  }

  // flush and get_state are no hooks: set_state may still follow.
  template <class Event, tuner_status (PluginBase::*method)(const Event&), bool is_hook = true>
  static tuner_status TUNER_CALL hook(tuner_instance* instance, const Event* given,
                                      tuner_error* error) noexcept {
    Event event;
    const tuner_status entered = enter(instance, given, event, error);
    if (entered != TUNER_OK) return entered;
    if (is_hook) from(instance)->is_used_ = true;
    return guard(error, [&] { return (from(instance)->*method)(event); });
  }

  template <tuner_status (PluginBase::*method)(const tuner_trial_start_event&)>
  static tuner_status TUNER_CALL start(tuner_instance* instance,
                                       const tuner_trial_start_event* given,
                                       tuner_error* error) noexcept {
    tuner_trial_start_event event;
    tuner_trial trial;
    const tuner_status entered = enter(instance, given, event, error);
    if (entered != TUNER_OK) return entered;
    if (!read_growable(trial, event.trial) || no_trial(trial.id) != nullptr) {
      return refuse(error, TUNER_INVALID_ARGUMENT, "the trial is NULL, too small or has no id");
    }
    event.trial = &trial;
    from(instance)->is_used_ = true;
    return guard(error, [&] { return (from(instance)->*method)(event); });
  }

  static tuner_status TUNER_CALL setup(tuner_instance* instance, const tuner_setup_event* given,
                                       tuner_error* error) noexcept {
    tuner_setup_event event;
    const tuner_status entered = enter(instance, given, event, error);
    if (entered != TUNER_OK) return entered;
    PluginBase* self = from(instance);
    if (self->is_set_up_) return refuse(error, TUNER_WRONG_STATE, "setup comes once");
    self->is_used_ = self->is_set_up_ = true;
    return guard(error, [&] { return self->setup(event); });
  }

  static tuner_status TUNER_CALL set_state(tuner_instance* instance,
                                           const tuner_input_stream* given,
                                           tuner_error* error) noexcept {
    tuner_input_stream stream;
    const tuner_status entered = enter(instance, given, stream, error);
    if (entered != TUNER_OK) return entered;
    PluginBase* self = from(instance);
    if (self->is_used_) {
      return refuse(error, TUNER_WRONG_STATE, "set_state comes before setup and every hook");
    }
    return guard(error, [&] { return self->set_state(stream); });
  }

  static tuner_status TUNER_CALL get_stats(tuner_instance* instance, tuner_stats* given,
                                           tuner_error* error) noexcept {
    tuner_stats asked;
    const tuner_status entered =
        enter(instance, static_cast<const tuner_stats*>(given), asked, error);
    if (entered != TUNER_OK) return entered;
    auto stats = make<tuner_stats>();
    stats.message = asked.message;
    write_error(stats.message, {});
    const tuner_status status = guard(error, [&] { return from(instance)->get_stats(stats); });
    stats.message = asked.message;
    write_growable(given, stats);
    return status;
  }
};

}  // namespace tuner

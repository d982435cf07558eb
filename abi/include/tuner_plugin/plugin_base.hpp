// For plugins written in C++: a base class that keeps the promises of tuner_plugin.h.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "host_services.hpp"
#include "streams.hpp"
#include "text.hpp"

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

namespace tuner {

// Override what the plugin is interested in, and define the entry at the end of one source file:
//
//   class Counter : public tuner::PluginBase {
//    public:
//     Counter(const tuner_create_args& args, const tuner::HostServices& host);
//     tuner_status on_trial_result(const tuner_trial_result_event& event) override;
//   };
//   TUNER_DEFINE_PLUGIN(Counter, "counter", "1.0");  // from plugin_entry.hpp
//
// Events arrive whole: of our own size, over zeros, NULL and too small ones refused, trial ids not
// empty, a trial's start with its trial, a result with a map. What they point to is borrowed for
// the call. In a forked child nothing arrives. A method returns a status; to give a text with it,
// it throws PluginError(status, text). Every other exception becomes TUNER_INTERNAL with its text.
class PluginBase {
 public:
  PluginBase() = default;
  virtual ~PluginBase() = default;
  PluginBase(const PluginBase&) = delete;
  PluginBase& operator=(const PluginBase&) = delete;

  // Called by destroy before the destructor, for what may still fail. The instance is deleted
  // whatever it returns or throws.
  virtual tuner_status close() { return TUNER_OK; }

#define TUNER_HOOK(NAME, EVENT) \
  virtual tuner_status NAME(EVENT&) { return TUNER_OK; }
  TUNER_HOOK(setup, const tuner_setup_event)
  TUNER_HOOK(on_step_begin, const tuner_step_event)
  TUNER_HOOK(on_step_end, const tuner_step_event)
  TUNER_HOOK(on_trial_start, const tuner_trial_start_event)
  TUNER_HOOK(on_trial_restore, const tuner_trial_start_event)
  TUNER_HOOK(on_trial_save, const tuner_checkpoint_event)
  TUNER_HOOK(on_trial_result, const tuner_trial_result_event)
  TUNER_HOOK(on_trial_complete, const tuner_trial_end_event)
  TUNER_HOOK(on_trial_recover, const tuner_trial_error_event)
  TUNER_HOOK(on_trial_error, const tuner_trial_error_event)
  TUNER_HOOK(on_trial_pause, const tuner_trial_end_event)
  TUNER_HOOK(on_checkpoint, const tuner_checkpoint_event)
  TUNER_HOOK(on_experiment_end, const tuner_experiment_end_event)
  TUNER_HOOK(flush, const tuner_flush_event)
  // Fill in what there is to say. stats.message is the host's sink, or NULL.
  TUNER_HOOK(get_stats, tuner_stats)
  // See write_all and read_all. set_state arrives only before setup and before every hook.
  TUNER_HOOK(get_state, const tuner_output_stream)
  TUNER_HOOK(set_state, const tuner_input_stream)
#undef TUNER_HOOK

  // The table's get_extension; a derived class hides it by one of its own, also static and
  // noexcept.
  static const void* TUNER_CALL get_extension(tuner_string) noexcept { return nullptr; }

  // True in a forked child of the process that made the instance. One system call; a plugin that
  // wants none on its frequent hook overrides this by something quicker.
  virtual bool is_inert() const noexcept { return owner_ != process_id(); }

 private:
  friend struct Thunks;

#if defined(__unix__) || defined(__APPLE__)
  static int64_t process_id() noexcept { return getpid(); }
#else
  static int64_t process_id() noexcept { return 0; }  // no fork
#endif

  int64_t owner_ = process_id();
  bool is_set_up_ = false;  // setup has come: once is enough
  bool is_used_ = false;    // setup or a hook has come: too late for set_state
};

}  // namespace tuner

// The table and the entry function of a plugin whose class is derived from PluginBase.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <string>

#include "plugin_thunks.hpp"

namespace tuner {

// `T` is made by T(const tuner_create_args&, const HostServices&), which throws PluginError with a
// text where it cannot be made; the arguments and what they point to are borrowed for that call.
template <class T, class Identity>
class PluginEntry {
 public:
  static const tuner_plugin* enter(tuner_entry_args* args) noexcept {
    if (args == nullptr || args->size < LeastSize<tuner_entry_args>::value) return nullptr;
    const uint32_t low = args->host_abi_min, high = args->host_abi_max;
    args->plugin_abi_min = TUNER_ABI_VERSION_MIN;
    args->plugin_abi_max = TUNER_ABI_VERSION_MAX;
    args->abi_chosen = 0;
    if (low <= high && low <= TUNER_ABI_VERSION_MAX && high >= TUNER_ABI_VERSION_MIN) {
      args->abi_chosen = std::min(high, uint32_t{TUNER_ABI_VERSION_MAX});
      write_error(args->error, {});
      return &table();
    }
    Thunks::guard(args->error, [&]() -> tuner_status {
      throw PluginError(TUNER_UNSUPPORTED_VERSION,
                        std::string("plugin ") + Identity::name +
                            " speaks the plugin ABI versions " +
                            range(TUNER_ABI_VERSION_MIN, TUNER_ABI_VERSION_MAX) + ", the host " +
                            range(low, high) + ": use a newer " +
                            (low > TUNER_ABI_VERSION_MAX ? "plugin" : "host"));
    });
    return nullptr;
  }

 private:
  static std::string range(uint32_t low, uint32_t high) {
    return std::to_string(low) + " to " + std::to_string(high);
  }

  static tuner_status TUNER_CALL create(const tuner_create_args* given, tuner_instance** instance,
                                        tuner_error* error) noexcept {
    tuner_create_args args;
    HostServices host;
    write_error(error, {});
    if (instance == nullptr) {
      return Thunks::refuse(error, TUNER_INVALID_ARGUMENT, "no place for the instance");
    }
    *instance = nullptr;
    if (!read_growable(args, given) || !host.assign(args.host)) {
      return Thunks::refuse(error, TUNER_INVALID_ARGUMENT,
                            "the arguments or the host's services are NULL or too small");
    }
    return Thunks::guard(error, [&] {
      *instance = Thunks::to(std::make_unique<T>(args, host).release());
      return TUNER_OK;
    });
  }

  static tuner_status TUNER_CALL destroy(tuner_instance* instance, tuner_error* error) noexcept {
    write_error(error, {});
    if (instance == nullptr) return TUNER_OK;
    PluginBase* self = Thunks::from(instance);
    if (self->is_inert()) {
      return Thunks::refuse(error, TUNER_INERT, "called in a forked child: nothing was done");
    }
    const tuner_status status = Thunks::guard(error, [&] { return self->close(); });
    delete self;
    return status;
  }

  static const tuner_plugin& table() noexcept {
    using B = PluginBase;
    static constexpr tuner_plugin made = {
        sizeof(tuner_plugin),
        TUNER_FLAG_UNLOAD_SAFE,
        TUNER_ABI_VERSION_MIN,
        TUNER_ABI_VERSION_MAX,
        Identity::name,
        Identity::version,
        create,
        destroy,
        Thunks::setup,
        Thunks::hook<tuner_step_event, &B::on_step_begin>,
        Thunks::hook<tuner_step_event, &B::on_step_end>,
        Thunks::start<&B::on_trial_start>,
        Thunks::start<&B::on_trial_restore>,
        Thunks::hook<tuner_checkpoint_event, &B::on_trial_save>,
        Thunks::hook<tuner_trial_result_event, &B::on_trial_result>,
        Thunks::hook<tuner_trial_end_event, &B::on_trial_complete>,
        Thunks::hook<tuner_trial_error_event, &B::on_trial_recover>,
        Thunks::hook<tuner_trial_error_event, &B::on_trial_error>,
        Thunks::hook<tuner_trial_end_event, &B::on_trial_pause>,
        Thunks::hook<tuner_checkpoint_event, &B::on_checkpoint>,
        Thunks::hook<tuner_experiment_end_event, &B::on_experiment_end>,
        Thunks::hook<tuner_output_stream, &B::get_state, false>,
        Thunks::set_state,
        Thunks::hook<tuner_flush_event, &B::flush, false>,
        Thunks::get_stats,
        T::get_extension,
    };
    return made;
  }
};

}  // namespace tuner

// The plugin's one exported symbol, and its note. Once, at file scope.
#define TUNER_DEFINE_PLUGIN(CLASS, NAME, VERSION)                            \
  TUNER_PLUGIN_NOTE(NAME, VERSION);                                          \
  namespace {                                                                \
  struct TunerPluginIdentity {                                               \
    static constexpr const char* name = NAME;                                \
    static constexpr const char* version = VERSION;                          \
  };                                                                         \
  }                                                                          \
  extern "C" TUNER_EXPORT const tuner_plugin* TUNER_CALL tuner_plugin_entry( \
      tuner_entry_args* args) noexcept {                                     \
    return tuner::PluginEntry<CLASS, TunerPluginIdentity>::enter(args);      \
  }                                                                          \
  static_assert(true, "a semicolon follows")

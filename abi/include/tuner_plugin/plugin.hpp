// For hosts: a plugin as an object. How the library is loaded is the host's own business (dlopen,
// Boost.DLL, linked in); all that is needed here is the pointer to its entry function.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "streams.hpp"
#include "text.hpp"

namespace tuner {

// Convention 2: whether the table reaches as far as this slot, and has something in it.
template <class Slot>
bool has(const tuner_plugin& table, Slot tuner_plugin::*slot) noexcept {
  const auto* begin = reinterpret_cast<const char*>(&table);
  const auto* at = reinterpret_cast<const char*>(&(table.*slot));
  return table.size >= static_cast<size_t>(at - begin) + sizeof(Slot) && table.*slot != nullptr;
}

// Calls a slot if it can be called; TUNER_OK if not:
//   call(table, &tuner_plugin::on_trial_result, instance, &event, error);
template <class Slot, class... Args>
tuner_status call(const tuner_plugin& table, Slot tuner_plugin::*slot, Args... args) noexcept {
  return has(table, slot) ? (table.*slot)(args...) : TUNER_OK;
}

// Asks for the table. NULL, and a text that names both ranges and says what to do, where the two
// sides have no version in common or the table lacks what is required.
inline const tuner_plugin* negotiate(tuner_plugin_entry_fn entry, std::string_view host_name,
                                     ErrorText& error) noexcept {
  auto args = make<tuner_entry_args>();
  args.host_abi_min = TUNER_ABI_VERSION_MIN;
  args.host_abi_max = TUNER_ABI_VERSION_MAX;
  args.host_name = text(host_name);
  args.error = error;
  error.clear();
  const tuner_plugin* table = entry != nullptr ? entry(&args) : nullptr;
  if (table != nullptr && has(*table, &tuner_plugin::create) &&
      has(*table, &tuner_plugin::destroy)) {
    return table;
  }
  if (error.view().empty()) {
    write_error(error, table != nullptr ? "the plugin's table has no create or no destroy"
                                        : "the plugin refused this host without a reason");
  }
  return nullptr;
}

// One instance. Move-only; destroyed at the latest by the destructor, and before the library is
// unloaded, which is for the caller to see to. The rules of tuner_plugin.h hold: calls never
// overlap. Each hook returns the plugin's status, TUNER_OK where the plugin has no such hook;
// error() is its text.
class Plugin {
 public:
  // Throws PluginError where the versions do not meet or the plugin cannot be created. args.host
  // and what it points to must outlive the instance.
  Plugin(tuner_plugin_entry_fn entry, const tuner_create_args& args,
         std::string_view host_name = {})
      : error_(std::make_unique<ErrorText>()) {
    table_ = negotiate(entry, host_name, *error_);
    if (table_ == nullptr) throw PluginError(TUNER_UNSUPPORTED_VERSION, error_->str());
    const tuner_status status = table_->create(&args, &instance_, *error_);
    if (status == TUNER_OK && instance_ != nullptr) return;
    std::string what = error_->str();
    throw PluginError(status, what.empty() ? status_name(status) : what);
  }
  Plugin(Plugin&& other) noexcept
      : table_(other.table_),
        instance_(std::exchange(other.instance_, nullptr)),
        error_(std::move(other.error_)) {}
  Plugin& operator=(Plugin&& other) noexcept {
    std::swap(table_, other.table_);
    std::swap(instance_, other.instance_);
    std::swap(error_, other.error_);
    return *this;
  }
  ~Plugin() { destroy(); }

  // The end, with its status. Nothing else may be called afterwards; a second time does nothing.
  tuner_status destroy() noexcept {
    if (instance_ == nullptr) return TUNER_OK;
    return table_->destroy(std::exchange(instance_, nullptr), *error_);
  }

  std::string_view name() const noexcept { return table_->name; }
  std::string_view version() const noexcept { return table_->version; }
  const tuner_plugin& table() const noexcept { return *table_; }
  tuner_instance* instance() const noexcept { return instance_; }
  std::string_view error() const noexcept { return error_->view(); }  // of the call made last

  // Any hook: plugin.call(&tuner_plugin::on_trial_result, event).
  template <class Slot, class Event>
  tuner_status call(Slot tuner_plugin::*slot, Event& event) noexcept {
    error_->clear();
    return tuner::call(*table_, slot, instance_, &event, static_cast<tuner_error*>(*error_));
  }

#define TUNER_HOOK(NAME, EVENT) \
  tuner_status NAME(const EVENT& event) noexcept { return call(&tuner_plugin::NAME, event); }
  TUNER_HOOK(setup, tuner_setup_event)
  TUNER_HOOK(on_step_begin, tuner_step_event)
  TUNER_HOOK(on_step_end, tuner_step_event)
  TUNER_HOOK(on_trial_start, tuner_trial_start_event)
  TUNER_HOOK(on_trial_restore, tuner_trial_start_event)
  TUNER_HOOK(on_trial_save, tuner_checkpoint_event)
  TUNER_HOOK(on_trial_result, tuner_trial_result_event)
  TUNER_HOOK(on_trial_complete, tuner_trial_end_event)
  TUNER_HOOK(on_trial_recover, tuner_trial_error_event)
  TUNER_HOOK(on_trial_error, tuner_trial_error_event)
  TUNER_HOOK(on_trial_pause, tuner_trial_end_event)
  TUNER_HOOK(on_checkpoint, tuner_checkpoint_event)
  TUNER_HOOK(on_experiment_end, tuner_experiment_end_event)
  TUNER_HOOK(flush, tuner_flush_event)
#undef TUNER_HOOK

  tuner_status get_stats(tuner_stats& stats) noexcept {
    return call(&tuner_plugin::get_stats, stats);
  }
  // Replaces `state` by the plugin's bytes; empty where it keeps none.
  tuner_status get_state(std::string& state) {
    StringWriter writer(state);
    return call(&tuner_plugin::get_state, writer.stream());
  }
  tuner_status set_state(std::string_view state) noexcept {
    StringReader reader(state);
    return call(&tuner_plugin::set_state, reader.stream());
  }

 private:
  const tuner_plugin* table_ = nullptr;
  tuner_instance* instance_ = nullptr;
  std::unique_ptr<ErrorText> error_;
};

}  // namespace tuner

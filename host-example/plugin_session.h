// One plugin at work: loaded, created, called, ended, unloaded.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include <tuner_plugin.hpp>

#include "host-example/console.h"
#include "host-example/options.h"
#include "host-example/plugin_library.h"

namespace example {

// A slot of the plugin's table with its name for people.
template <class Event>
struct Hook {
  const char* name;
  tuner_status (TUNER_CALL* tuner_plugin::*slot)(tuner_instance*, const Event*,
                                                 tuner_error*) TUNER_NOEXCEPT;
};

// Whatever a plugin answers, the job goes on: what was not recorded is counted, and the first
// error of each hook is shown. Only a plugin that cannot be created is an exception.
class PluginSession {
 public:
  // Throws std::runtime_error.
  PluginSession(const PluginSpec& spec, Console& console);
  ~PluginSession();
  PluginSession(const PluginSession&) = delete;
  PluginSession& operator=(const PluginSession&) = delete;

  template <class Event>
  tuner_status call(const Hook<Event>& hook, const Event& event) {
    const tuner_status status = plugin_->call(hook.slot, event);
    if (status != TUNER_OK) note(hook.name, status);
    return status;
  }

  // Empty if the plugin keeps no state, or could not give it.
  std::string state();
  // False, and the reason is shown, if the plugin refused it.
  bool restore(const std::string& state);
  // One line for people: what was recorded, and what was not.
  std::string statistics();

  // Of the plugin, as it calls itself.
  const std::string& name() const { return name_; }

 private:
  void note(const char* call, tuner_status status);

  Console& console_;
  // Outlives the instance, which may call it.
  tuner_host services_;
  // Before the instance, so that it is unloaded after it.
  PluginLibrary library_;
  std::optional<tuner::Plugin> plugin_;
  std::string name_;
  std::uint64_t dropped_ = 0;
  std::uint64_t not_durable_ = 0;
  std::uint64_t errors_ = 0;
  // Calls whose error was shown already.
  std::set<std::string> shown_;
};

}  // namespace example

// SPDX-License-Identifier: Apache-2.0
#include "host-example/plugin_session.h"

#include <stdexcept>

namespace example {
namespace {

void TUNER_CALL log_to_console(void* host_data, tuner_log_level level,
                               tuner_string message) noexcept {
  auto& console = *static_cast<Console*>(host_data);
  try {
    const std::string text = "plugin: " + std::string(tuner::view(message));
    level >= TUNER_LOG_WARNING ? console.warn(text) : console.say(text);
  } catch (...) {
    // Out of memory: a message less, but nothing may cross into the plugin.
  }
}

std::int32_t TUNER_CALL is_log_enabled(void* host_data, tuner_log_level level) noexcept {
  const auto& console = *static_cast<const Console*>(host_data);
  return level >= (console.quiet() ? TUNER_LOG_WARNING : TUNER_LOG_INFO) ? 1 : 0;
}

}  // namespace

PluginSession::PluginSession(const PluginSpec& spec, Console& console)
    : console_(console), services_(tuner::make<tuner_host>()), library_(spec.path) {
  services_.host_data = &console_;
  services_.log = log_to_console;
  services_.log_enabled = is_log_enabled;
  auto args = tuner::make<tuner_create_args>();
  args.config_path = tuner::text(spec.config);
  args.host = &services_;
  try {
    plugin_.emplace(library_.entry(), args, "tuner");
  } catch (const tuner::PluginError& error) {
    throw std::runtime_error(spec.path + ": " + error.what());
  }
  name_ = plugin_->name();
  if ((plugin_->table().flags & TUNER_FLAG_UNLOAD_SAFE) == 0) library_.keep_loaded();
}

PluginSession::~PluginSession() {
  const tuner_status status = plugin_->destroy();
  if (status != TUNER_OK) note("destroy", status);
}

std::string PluginSession::state() {
  std::string bytes;
  const tuner_status status = plugin_->get_state(bytes);
  if (status == TUNER_OK) return bytes;
  note("get_state", status);
  return {};
}

bool PluginSession::restore(const std::string& state) {
  const tuner_status status = plugin_->set_state(state);
  if (status == TUNER_OK) return true;
  note("set_state", status);
  return false;
}

void PluginSession::note(const char* call, tuner_status status) {
  if (status == TUNER_DROPPED) {
    ++dropped_;
  } else if (status == TUNER_NOT_DURABLE) {
    ++not_durable_;
  } else if (tuner::is_error(status)) {
    ++errors_;
  }
  if (!tuner::is_error(status) || !shown_.insert(call).second) return;
  std::string text = name_ + ": " + call + ": " + tuner::status_name(status);
  if (!plugin_->error().empty()) text += ": " + std::string(plugin_->error());
  console_.warn(text);
}

std::string PluginSession::statistics() {
  tuner::ErrorText health;
  auto stats = tuner::make<tuner_stats>();
  stats.message = health;
  const tuner_status status = plugin_->get_stats(stats);
  if (status != TUNER_OK) note("get_stats", status);
  std::string text = name_ + " " + std::string(plugin_->version()) + ": " +
                     std::to_string(stats.events) + " events, " + std::to_string(stats.results) +
                     " results, " + std::to_string(stats.points) + " points; dropped " +
                     std::to_string(stats.events_dropped) + ", lost " +
                     std::to_string(stats.events_lost);
  if (dropped_ + not_durable_ + errors_ > 0) {
    text += "; its answers: " + std::to_string(dropped_) + " dropped, " +
            std::to_string(not_durable_) + " not durable, " + std::to_string(errors_) + " errors";
  }
  if (stats.health != TUNER_HEALTH_OK && !health.view().empty()) text += "; " + health.str();
  return text;
}

}  // namespace example

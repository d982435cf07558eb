// The plugins' own life: opened, set up, exchanged, saved, ended.
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <stdexcept>
#include <utility>

#include "host-example/announcer.h"
#include "host-example/files.h"

namespace example {
namespace {

constexpr Hook<tuner_setup_event> setup{"setup", &tuner_plugin::setup};
constexpr Hook<tuner_flush_event> flush{"flush", &tuner_plugin::flush};

constexpr std::uint32_t flush_timeout_ms = 10000;

// Bookkeeping in our results, not metrics.
constexpr std::array reserved_keys{
    tuner_string{"training_iteration", 18},
    tuner_string{"timestamp", 9},
};

}  // namespace

Announcer::Announcer(const Options& options, const JobState& job, const Digits& digits,
                     Clock& clock, Console& console, AckFile* acknowledged)
    : options_(options),
      job_(job),
      digits_(digits),
      clock_(clock),
      console_(console),
      acknowledged_(acknowledged),
      progress_(job.trials.size()) {
  for (const PluginSpec& spec : options.plugins) {
    plugins_.push_back(std::make_unique<PluginSession>(spec, console_));
    if (options.resume) restore_state(*plugins_.back());
  }
  saved_states_.resize(plugins_.size());
  for (const auto& plugin : plugins_) set_up(*plugin, options.resume);
}

void Announcer::restore_state(PluginSession& plugin) {
  // Its place may be another than in the run before. The n-th of a name gets the n-th state.
  std::size_t of_this_name = 0;
  for (const auto& earlier : plugins_) of_this_name += earlier->name() == plugin.name();
  for (std::size_t place = 0; place < job_.plugins.size(); ++place) {
    if (job_.plugins[place] != plugin.name() || --of_this_name > 0) continue;
    const auto state = read_file(plugin_state_path(options_.job_dir, place));
    if (state && !state->empty() && plugin.restore(*state)) return;
    break;
  }
  console_.say(plugin.name() + ": goes on without its saved state");
}

void Announcer::set_up(PluginSession& plugin, bool resumed) {
  result_.clear();
  result_.add("training_iteration", job_.epochs);
  auto event = tuner::make<tuner_setup_event>();
  event.resumed = resumed ? TUNER_RESUMED_YES : TUNER_RESUMED_NO;
  if (options_.resumed_unknown) event.resumed = TUNER_RESUMED_UNKNOWN;
  if (!options_.no_job_id) event.job_id = tuner::text(job_.job_id);
  event.experiment_name = tuner::text(job_.experiment);
  event.experiment_dir = tuner::text(options_.job_dir);
  event.host_name = tuner::text("tuner");
  event.host_version = tuner::text("1.0");
  event.metric_namespace = tuner::text("tuner/");
  event.reserved_keys = reserved_keys.data();
  event.reserved_key_count = reserved_keys.size();
  event.stop = &result_.root();
  event.num_samples = static_cast<std::int64_t>(job_.trials.size());
  event.total_num_samples = event.num_samples;
  event.time_budget_s = options_.stop_after_s;
  event.metric = tuner::text("accuracy");
  event.mode = tuner::text("max");
  plugin.call(setup, event);
}

void Announcer::swap(const PluginSpec& spec) {
  // For as long as the old one lives, it may hold what the new one needs: it is ended first.
  const std::string old_name = plugins_.front()->name();
  const std::string state = plugins_.front()->state();
  if (!options_.quiet) console_.say(plugins_.front()->statistics());
  plugins_.front().reset();
  try {
    plugins_.front() = std::make_unique<PluginSession>(spec, console_);
  } catch (const std::exception& error) {
    console_.warn(std::string("the job goes on without the new plugin: ") + error.what());
    plugins_.erase(plugins_.begin());
    saved_states_.erase(saved_states_.begin());
    return;
  }
  PluginSession& plugin = *plugins_.front();
  if (plugin.name() == old_name && !state.empty()) plugin.restore(state);
  // To the new one the job is one that goes on.
  set_up(plugin, true);
  console_.say(old_name + " was replaced by " + plugin.name());
}

void Announcer::save_states(JobState& job) {
  job.plugins.clear();
  for (std::size_t place = 0; place < plugins_.size(); ++place) {
    job.plugins.push_back(plugins_[place]->name());
    std::string state = plugins_[place]->state();
    if (state == saved_states_[place]) continue;
    write_file(plugin_state_path(options_.job_dir, place), state, Synced::yes);
    saved_states_[place] = std::move(state);
  }
}

void Announcer::close() {
  auto event = tuner::make<tuner_flush_event>();
  event.timeout_ms = flush_timeout_ms;
  for (const auto& plugin : plugins_) {
    plugin->call(flush, event);
    if (!options_.quiet) console_.say(plugin->statistics());
  }
  plugins_.clear();
}

}  // namespace example

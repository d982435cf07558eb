// SPDX-License-Identifier: Apache-2.0
#include "host-example/announcer.h"

#include <unistd.h>

#include <bit>
#include <cstdio>

namespace example {
namespace {

constexpr Hook<tuner_step_event> step_begin{"on_step_begin", &tuner_plugin::on_step_begin};
constexpr Hook<tuner_step_event> step_end{"on_step_end", &tuner_plugin::on_step_end};
constexpr Hook<tuner_trial_start_event> start{"on_trial_start", &tuner_plugin::on_trial_start};
constexpr Hook<tuner_trial_start_event> restore{"on_trial_restore",
                                                &tuner_plugin::on_trial_restore};
constexpr Hook<tuner_trial_result_event> result{"on_trial_result", &tuner_plugin::on_trial_result};
constexpr Hook<tuner_checkpoint_event> checkpoint{"on_checkpoint", &tuner_plugin::on_checkpoint};
constexpr Hook<tuner_checkpoint_event> save{"on_trial_save", &tuner_plugin::on_trial_save};
constexpr Hook<tuner_trial_end_event> pause{"on_trial_pause", &tuner_plugin::on_trial_pause};
constexpr Hook<tuner_trial_end_event> complete{"on_trial_complete",
                                               &tuner_plugin::on_trial_complete};
constexpr Hook<tuner_trial_error_event> recover{"on_trial_recover",
                                                &tuner_plugin::on_trial_recover};
constexpr Hook<tuner_trial_error_event> error{"on_trial_error", &tuner_plugin::on_trial_error};
constexpr Hook<tuner_experiment_end_event> experiment_end{"on_experiment_end",
                                                          &tuner_plugin::on_experiment_end};

// The fields that every event of a trial has.
template <class Event>
Event event_of(const Trial& trial, std::int64_t time_ns) {
  Event event = tuner::make<Event>();
  event.trial_key = trial.index + 1;
  event.time_ns = time_ns;
  if constexpr (requires { event.trial_id; }) event.trial_id = tuner::text(trial.id);
  return event;
}

std::string tag_of(const Trial& trial) {
  char text[96];
  std::snprintf(text, sizeof(text), "%zu_learning_rate=%.4g,width=%d", trial.index,
                trial.params.rule.learning_rate, trial.params.width);
  return text;
}

}  // namespace

template <class Event>
void Announcer::tell(const Hook<Event>& hook, const Event& event) {
  for (const auto& plugin : plugins_) plugin->call(hook, event);
}

void Announcer::step_begins(std::int64_t turn) {
  auto event = tuner::make<tuner_step_event>();
  event.iteration = turn;
  tell(step_begin, event);
}

void Announcer::step_ends(std::int64_t turn) {
  auto event = tuner::make<tuner_step_event>();
  event.iteration = turn;
  tell(step_end, event);
}

void Announcer::trial_starts(const Trial& trial) {
  progress_[trial.index] = Progress{clock_.now_ns()};
  build_params(params_, trial.params);
  build_config(config_, trial.params, job_, digits_);
  const std::string name = "Mlp_" + trial.id;
  const std::string tag = tag_of(trial);
  const std::string directory = options_.job_dir + "/trials/" + trial.id;
  const std::string from = options_.job_dir + "/" + trial.checkpoint;

  auto told = tuner::make<tuner_trial>();
  told.status = TUNER_TRIAL_RUNNING;
  told.id = tuner::text(trial.id);
  told.name = tuner::text(name);
  told.trainable_name = tuner::text("Mlp");
  told.experiment_tag = tuner::text(tag);
  told.local_dir = tuner::text(directory);
  told.node_ip = tuner::text("127.0.0.1");
  told.pid = clock_.fixed() ? 4242 : ::getpid();
  told.failure_count = static_cast<std::uint32_t>(trial.failures);
  told.attempt = static_cast<std::uint32_t>(trial.attempt);
  told.params = &params_.root();
  told.config = &config_.root();

  auto event = event_of<tuner_trial_start_event>(trial, progress_[trial.index].last_ns);
  event.trial = &told;
  if (!trial.checkpoint.empty()) event.checkpoint_path = tuner::text(from);
  tell(start, event);
  if (!trial.checkpoint.empty()) tell(restore, event);
}

ResultFacts Announcer::facts(const Trial& trial, const EpochReport& epoch, bool done) {
  Progress& progress = progress_[trial.index];
  const std::int64_t now = clock_.now_ns();
  const double since_last = static_cast<double>(now - progress.last_ns) * 1e-9;
  return ResultFacts{trial,
                     epoch,
                     done,
                     now,
                     clock_.fixed() ? since_last : epoch.seconds,
                     progress.seconds,
                     progress.samples,
                     progress.batches};
}

void Announcer::train_result(const Trial& trial, const EpochReport& epoch, bool done) {
  ResultFacts told = facts(trial, epoch, done);
  Progress& progress = progress_[trial.index];
  progress.last_ns = told.time_ns;
  told.total_seconds = progress.seconds += told.seconds;
  told.samples_seen = progress.samples += epoch.train.samples;
  told.batches_seen = progress.batches += epoch.train.batches;
  build_train_result(result_, told);
  tell_result(told, 0, epoch.train.loss);
}

void Announcer::validation_result(const Trial& trial, const EpochReport& epoch, bool done) {
  const ResultFacts told = facts(trial, epoch, done);
  build_validation_result(result_, told);
  tell_result(told, 1, epoch.validation.loss);
}

void Announcer::tell_result(const ResultFacts& facts, std::uint32_t subset, double loss) {
  auto event = event_of<tuner_trial_result_event>(facts.trial, facts.time_ns);
  event.result = &result_.root();
  for (std::size_t place = 0; place < plugins_.size(); ++place) {
    if (plugins_[place]->call(result, event) != TUNER_OK || !acknowledged_) continue;
    Acknowledged record{};
    facts.trial.id.copy(record.trial_id, sizeof(record.trial_id) - 1);
    record.attempt = static_cast<std::uint32_t>(facts.trial.attempt);
    record.subset = subset;
    record.step = facts.epoch.iteration;
    record.loss_bits = std::bit_cast<std::uint64_t>(loss);
    record.plugin = static_cast<std::uint32_t>(place);
    record.time_ns = facts.time_ns;
    acknowledged_->add(record);
  }
}

void Announcer::checkpoint_saved(const Trial& trial) {
  const std::string path = options_.job_dir + "/" + trial.checkpoint;
  auto event = event_of<tuner_checkpoint_event>(trial, clock_.now_ns());
  event.path = tuner::text(path);
  event.has_step = 1;
  event.step = trial.checkpoint_iteration;
  tell(checkpoint, event);
  tell(save, event);
}

void Announcer::trial_pauses(const Trial& trial) {
  auto event = event_of<tuner_trial_end_event>(trial, clock_.now_ns());
  event.status = TUNER_TRIAL_PAUSED;
  tell(pause, event);
}

void Announcer::trial_ends(const Trial& trial) {
  auto event = event_of<tuner_trial_end_event>(trial, clock_.now_ns());
  event.status = trial.status == TrialStatus::stopped ? TUNER_TRIAL_STOPPED : TUNER_TRIAL_COMPLETED;
  tell(complete, event);
}

void Announcer::trial_fails(const Trial& trial, const std::string& what) {
  auto event = event_of<tuner_trial_error_event>(trial, clock_.now_ns());
  event.failure_count = static_cast<std::uint32_t>(trial.failures);
  event.error_text = tuner::text(what);
  tell(trial.status == TrialStatus::failed ? error : recover, event);
}

void Announcer::experiment_ends(bool interrupted) {
  auto event = tuner::make<tuner_experiment_end_event>();
  event.interrupted = interrupted ? 1 : 0;
  event.time_ns = clock_.now_ns();
  tell(experiment_end, event);
}

}  // namespace example

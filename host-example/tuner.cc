// SPDX-License-Identifier: Apache-2.0
#include "host-example/tuner.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "host-example/interrupts.h"

namespace example {
namespace {

constexpr int retries_max = 2;
constexpr int checkpoint_interval = 2;  // iterations

}  // namespace

Tuner::Tuner(const Options& options, JobState job, const Digits& digits, Clock& clock,
             Console& console, Announcer& announcer)
    : options_(options),
      job_(std::move(job)),
      digits_(digits),
      clock_(clock),
      console_(console),
      announcer_(announcer),
      faults_(job_.seed, job_.fail_rate),
      scheduler_(make_scheduler(job_.scheduler, job_.epochs, job_.seed)),
      begin_(std::chrono::steady_clock::now()),
      places_(static_cast<std::size_t>(options.workers)),
      pool_(options.workers) {}

bool Tuner::run() {
  save();
  std::size_t turn = 0;
  while (!must_stop()) {
    announcer_.step_begins(job_.turns);
    fill_places();
    const bool busy = is_busy();
    if (busy) {
      while (!places_[turn % places_.size()].training) ++turn;
      take_report(places_[turn++ % places_.size()]);
    }
    announcer_.step_ends(++job_.turns);
    show_progress();
    if (!busy) break;
  }
  const bool done = !must_stop();
  if (done) close_paused();
  save();
  announcer_.experiment_ends(!done);
  save();
  return done;
}

bool Tuner::must_stop() const {
  if (interrupt_signal() != 0) return true;
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin_;
  return options_.stop_after_s > 0 && elapsed.count() >= options_.stop_after_s;
}

bool Tuner::is_busy() const {
  return std::any_of(places_.begin(), places_.end(),
                     [](const Place& place) { return place.training != nullptr; });
}

void Tuner::fill_places() {
  for (Place& place : places_) {
    while (!place.training) {
      const auto next = scheduler_->next(job_.trials);
      if (!next) return;
      place.trial = *next;
      start(place, job_.trials[*next]);
    }
  }
}

// Leaves the place free if the worker cannot start; the plugins then hear of a failure without a
// start, as it happens in other tuners.
void Tuner::start(Place& place, Trial& trial) {
  trial.status = TrialStatus::running;
  ++trial.attempt;
  save();
  const std::string checkpoint =
      trial.checkpoint.empty() ? "" : options_.job_dir + "/" + trial.checkpoint;
  try {
    place.training = std::make_unique<Training>(digits_, trial, checkpoint, job_.seed, faults_);
  } catch (const std::exception& error) {
    return fail(trial, error.what());
  }
  trial.iteration = place.training->iteration();
  if (trial.iteration == 0) trial.checkpoint.clear();
  announcer_.trial_starts(trial);
  place.epoch = pool_.run_epoch(*place.training);
}

void Tuner::take_report(Place& place) {
  Trial& trial = job_.trials[place.trial];
  EpochReport epoch;
  try {
    epoch = place.epoch.get();
  } catch (const std::exception& error) {
    place.training.reset();
    return fail(trial, error.what());
  }
  report(trial, epoch);
  const std::string checkpoint = trial.checkpoint;
  const Verdict verdict = scheduler_->judge(job_.trials, trial.index);
  const bool exploited = trial.checkpoint != checkpoint;
  const bool save_due = !exploited && (verdict == Verdict::pause || verdict == Verdict::complete ||
                                       trial.iteration % checkpoint_interval == 0);
  if (exploited) obsolete_.push_back(checkpoint);
  if (save_due) save_checkpoint(place, trial);
  obey(place, trial, verdict);
  if (save_due || verdict != Verdict::go_on) save();
}

void Tuner::report(Trial& trial, const EpochReport& epoch) {
  trial.iteration = epoch.iteration;
  trial.loss = epoch.validation.loss;
  trial.score = epoch.validation.accuracy;
  trial.best_score = std::max(trial.best_score, trial.score);
  const bool done = trial.iteration >= job_.epochs;
  announcer_.train_result(trial, epoch, done);
  after_result();
  announcer_.validation_result(trial, epoch, done);
  after_result();
}

void Tuner::after_result() {
  ++job_.results;
  if (++results_here_ == options_.swap_after) announcer_.swap(options_.swap_to);
  const auto wake =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(options_.throttle_ms);
  while (std::chrono::steady_clock::now() < wake && interrupt_signal() == 0) {
    std::this_thread::sleep_until(
        std::min(wake, std::chrono::steady_clock::now() + std::chrono::milliseconds(50)));
  }
}

void Tuner::obey(Place& place, Trial& trial, Verdict verdict) {
  if (verdict == Verdict::go_on) {
    place.epoch = pool_.run_epoch(*place.training);
    return;
  }
  place.training.reset();
  switch (verdict) {
    case Verdict::go_on:
      return;
    case Verdict::pause:
      trial.status = TrialStatus::paused;
      announcer_.trial_pauses(trial);
      break;
    case Verdict::stop:
      trial.status = TrialStatus::stopped;
      announcer_.trial_ends(trial);
      break;
    case Verdict::complete:
      trial.status = TrialStatus::completed;
      announcer_.trial_ends(trial);
      break;
    case Verdict::restart:
      start(place, trial);
      break;
  }
}

void Tuner::fail(Trial& trial, const std::string& what) {
  const bool again = ++trial.failures <= retries_max;
  trial.status = again ? TrialStatus::ready : TrialStatus::failed;
  announcer_.trial_fails(trial, what);
  save();
}

void Tuner::save_checkpoint(const Place& place, Trial& trial) {
  const std::string directory = "trials/" + trial.id;
  char name[48];
  std::snprintf(name, sizeof(name), "/checkpoint_%06d_%d", trial.iteration, trial.attempt);
  try {
    std::filesystem::create_directories(options_.job_dir + "/" + directory);
    place.training->save(options_.job_dir + "/" + directory + name);
  } catch (const std::system_error& error) {
    return note_unsaved(error);
  }
  if (!trial.checkpoint.empty()) obsolete_.push_back(trial.checkpoint);
  trial.checkpoint = directory + name;
  trial.checkpoint_iteration = trial.iteration;
  announcer_.checkpoint_saved(trial);
}

// A job that cannot be resumed is still worth its end.
void Tuner::note_unsaved(const std::system_error& error) {
  if (!std::exchange(told_unsaved_, true)) {
    console_.warn(std::string("the job goes on, but its state could not be saved: ") +
                  error.what());
  }
}

// Trials that were never promoted.
void Tuner::close_paused() {
  for (Trial& trial : job_.trials) {
    if (trial.is_over()) continue;
    trial.status = TrialStatus::stopped;
    announcer_.trial_ends(trial);
  }
}

void Tuner::save() {
  try {
    announcer_.save_states(job_);
    job_.clock_ticks = clock_.ticks();
    save_job(options_.job_dir, job_);
  } catch (const std::system_error& error) {
    return note_unsaved(error);
  }
  const auto needed = [this](const std::string& checkpoint) {
    return std::any_of(job_.trials.begin(), job_.trials.end(),
                       [&](const Trial& trial) { return trial.checkpoint == checkpoint; });
  };
  for (const std::string& checkpoint : std::exchange(obsolete_, {})) {
    if (needed(checkpoint)) {
      obsolete_.push_back(checkpoint);
    } else if (!checkpoint.empty()) {
      std::error_code ignored;
      std::filesystem::remove(options_.job_dir + "/" + checkpoint, ignored);
    }
  }
}

void Tuner::show_progress() {
  console_.progress([this] {
    const auto best = std::max_element(
        job_.trials.begin(), job_.trials.end(),
        [](const Trial& a, const Trial& b) { return a.best_score < b.best_score; });
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin_;
    char text[96];
    std::snprintf(text, sizeof(text), ", %lld results, best %.2f%%, %.0f s",
                  static_cast<long long>(job_.results), 100 * std::max(best->best_score, 0.0),
                  elapsed.count());
    return count_trials(job_.trials) + text;
  });
}

}  // namespace example

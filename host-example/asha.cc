// Asynchronous successive halving (Li et al., 2018): a trial pauses at each rung and goes on only
// when it is among the best third of those that have reached that rung.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "host-example/scheduler.h"

namespace example {
namespace {

constexpr int reduction = 3;

class Asha : public Scheduler {
 public:
  explicit Asha(int epochs) : epochs_(epochs) {
    for (int rung = std::max(1, epochs / (reduction * reduction)); rung < epochs;
         rung *= reduction) {
      rungs_.push_back(rung);
    }
  }

  std::optional<std::size_t> next(std::span<const Trial> trials) const override {
    if (const auto ready = first_with(trials, TrialStatus::ready)) return ready;
    if (const auto promoted = promotable(trials, 0)) return promoted;
    if (const auto pending = first_with(trials, TrialStatus::pending)) return pending;
    // Too few trials for a third of them to be one: the best goes on all the same.
    if (!first_with(trials, TrialStatus::running)) return promotable(trials, 1);
    return std::nullopt;
  }

  Verdict judge(std::span<Trial> trials, std::size_t index) const override {
    Trial& trial = trials[index];
    if (!std::isfinite(trial.loss)) return Verdict::stop;
    if (trial.iteration >= epochs_) return Verdict::complete;
    const std::size_t level = trial.rungs.size();
    if (level >= rungs_.size() || trial.iteration < rungs_[level]) return Verdict::go_on;
    trial.rungs.push_back(trial.score);
    return Verdict::pause;
  }

 private:
  // A paused trial that may leave the highest rung it stands on.
  std::optional<std::size_t> promotable(std::span<const Trial> trials, int at_least) const {
    for (std::size_t level = rungs_.size(); level > 0; --level) {
      if (const auto found = promotable_from(trials, level, at_least)) return found;
    }
    return std::nullopt;
  }

  static std::optional<std::size_t> promotable_from(std::span<const Trial> trials,
                                                    std::size_t level, int at_least) {
    std::vector<std::size_t> reached;
    for (std::size_t i = 0; i < trials.size(); ++i) {
      if (trials[i].rungs.size() >= level) reached.push_back(i);
    }
    std::stable_sort(reached.begin(), reached.end(), [&](std::size_t a, std::size_t b) {
      return trials[a].rungs[level - 1] > trials[b].rungs[level - 1];
    });
    const std::size_t places =
        std::max(reached.size() / reduction, static_cast<std::size_t>(at_least));
    for (std::size_t place = 0; place < std::min(places, reached.size()); ++place) {
      const Trial& trial = trials[reached[place]];
      if (trial.status == TrialStatus::paused && trial.rungs.size() == level) {
        return reached[place];
      }
    }
    return std::nullopt;
  }

  int epochs_;
  // Iterations at which a trial has to prove itself.
  std::vector<int> rungs_;
};

}  // namespace

std::unique_ptr<Scheduler> make_asha(int epochs) { return std::make_unique<Asha>(epochs); }

}  // namespace example

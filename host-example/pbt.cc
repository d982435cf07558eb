// Population based training (Jaderberg et al., 2017): every few iterations a trial among the worst
// takes over the weights and, a little changed, the hyper-parameters of one among the best.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "host-example/random.h"
#include "host-example/scheduler.h"

namespace example {
namespace {

constexpr int interval = 3;

Params perturbed(const Params& donor, std::uint64_t seed, const Trial& trial) {
  Random random({seed, trial.index, static_cast<std::uint64_t>(trial.exploits), 0x9B7});
  Params params = donor;  // the width must be the weights' own
  params.rule.learning_rate *= random.uniform() < 0.5 ? 0.8 : 1.25;
  params.rule.weight_decay *= random.uniform() < 0.5 ? 0.5 : 2.0;
  params.rule.momentum = std::clamp(donor.rule.momentum + random.between(-0.1, 0.1), 0.0, 0.99);
  return params;
}

class Pbt : public Scheduler {
 public:
  Pbt(int epochs, std::uint64_t seed) : epochs_(epochs), seed_(seed) {}

  // The population moves on together: whoever is furthest behind runs next.
  std::optional<std::size_t> next(std::span<const Trial> trials) const override {
    std::optional<std::size_t> behind;
    for (std::size_t i = 0; i < trials.size(); ++i) {
      if (trials[i].is_over() || trials[i].status == TrialStatus::running) continue;
      if (!behind || trials[i].iteration < trials[*behind].iteration) behind = i;
    }
    return behind;
  }

  Verdict judge(std::span<Trial> trials, std::size_t index) const override {
    Trial& trial = trials[index];
    if (trial.iteration >= epochs_) return Verdict::complete;
    if (trial.iteration % interval != 0 || trial.iteration <= trial.judged_at) {
      return Verdict::go_on;
    }
    trial.judged_at = trial.iteration;
    const bool others_wait = next(trials).has_value();
    if (exploit(trials, trial)) return others_wait ? Verdict::pause : Verdict::restart;
    return others_wait ? Verdict::pause : Verdict::go_on;
  }

 private:
  // True if the trial took over another's weights.
  bool exploit(std::span<Trial> trials, Trial& trial) const {
    std::vector<const Trial*> ranked;
    for (const Trial& other : trials) {
      if (other.score > no_score) ranked.push_back(&other);
    }
    std::stable_sort(ranked.begin(), ranked.end(),
                     [](const Trial* a, const Trial* b) { return a->score > b->score; });
    const std::size_t quarter = (ranked.size() + 3) / 4;
    if (ranked.size() < 2 || std::find(ranked.end() - static_cast<std::ptrdiff_t>(quarter),
                                       ranked.end(), &trial) == ranked.end()) {
      return false;
    }
    std::vector<const Trial*> donors;
    for (std::size_t i = 0; i < quarter; ++i) {
      const bool can_give = !ranked[i]->checkpoint.empty() && ranked[i] != &trial &&
                            ranked[i]->checkpoint_iteration < epochs_;
      if (can_give) donors.push_back(ranked[i]);
    }
    if (donors.empty()) return false;
    Random random({seed_, trial.index, static_cast<std::uint64_t>(trial.exploits), 0xD0});
    const Trial& donor = *donors[random.below(donors.size())];
    ++trial.exploits;
    trial.params = perturbed(donor.params, seed_, trial);
    trial.checkpoint = donor.checkpoint;
    trial.checkpoint_iteration = donor.checkpoint_iteration;
    return true;
  }

  int epochs_;
  std::uint64_t seed_;
};

}  // namespace

std::unique_ptr<Scheduler> make_pbt(int epochs, std::uint64_t seed) {
  return std::make_unique<Pbt>(epochs, seed);
}

}  // namespace example

// SPDX-License-Identifier: Apache-2.0
#include "host-example/trial.h"

#include <array>
#include <cstdio>
#include <utility>

#include "host-example/random.h"

namespace example {
namespace {

constexpr std::array<std::pair<TrialStatus, std::string_view>, 7> status_names{{
    {TrialStatus::pending, "pending"},
    {TrialStatus::running, "running"},
    {TrialStatus::ready, "ready"},
    {TrialStatus::paused, "paused"},
    {TrialStatus::completed, "completed"},
    {TrialStatus::stopped, "stopped"},
    {TrialStatus::failed, "failed"},
}};

}  // namespace

Params sample_params(std::uint64_t seed, std::size_t trial_index) {
  Random random({seed, trial_index, 0x9A3A});
  constexpr std::array widths{16, 24, 32, 48, 64};
  constexpr std::array batch_sizes{16, 32, 64, 128};
  Params params;
  // The upper end is too much for some networks on purpose: a record of a search must bear NaN.
  params.rule.learning_rate = random.log_between(1e-3, 5.0);
  params.rule.momentum = random.between(0.0, 0.98);
  params.rule.weight_decay = random.log_between(1e-6, 1e-2);
  params.width = widths[random.below(widths.size())];
  params.rule.batch_size = batch_sizes[random.below(batch_sizes.size())];
  return params;
}

std::string_view name_of(TrialStatus status) {
  for (const auto& [value, name] : status_names) {
    if (value == status) return name;
  }
  return "unknown";
}

bool parse_status(std::string_view text, TrialStatus& status) {
  for (const auto& [value, name] : status_names) {
    if (name == text) {
      status = value;
      return true;
    }
  }
  return false;
}

std::vector<Trial> make_trials(std::uint64_t seed, int count) {
  std::vector<Trial> trials(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < trials.size(); ++i) {
    std::array<char, 32> id{};
    std::snprintf(id.data(), id.size(), "trial_%05zu", i);
    trials[i].id = id.data();
    trials[i].index = i;
    trials[i].params = sample_params(seed, i);
  }
  return trials;
}

}  // namespace example

// A trial: one choice of hyper-parameters, and how far training with it has come.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "host-example/mlp.h"

namespace example {

// What is sampled.
struct Params {
  LearningRule rule;
  int width = 32;
};

Params sample_params(std::uint64_t seed, std::size_t trial_index);

// `ready`: has to be started again from its checkpoint, after a failure or a kill.
enum class TrialStatus { pending, running, ready, paused, completed, stopped, failed };

std::string_view name_of(TrialStatus status);
// False if there is no such status.
bool parse_status(std::string_view name, TrialStatus& status);

constexpr double no_score = -std::numeric_limits<double>::infinity();

struct Trial {
  std::string id;
  std::size_t index = 0;
  Params params;
  TrialStatus status = TrialStatus::pending;
  // Starts of its worker so far; counted before the start, so that no number is used twice even
  // if the tuner is killed in between.
  int attempt = 0;
  int failures = 0;
  // Of its last result; goes back when it goes on from a checkpoint.
  int iteration = 0;
  // A file relative to the job's directory, empty = none. Another trial's after an exploit.
  std::string checkpoint;
  int checkpoint_iteration = 0;
  double score = no_score;  // validation accuracy of the last result
  double best_score = no_score;
  double loss = std::numeric_limits<double>::quiet_NaN();  // validation loss of the last result
  // ASHA: the score at each rung that it has reached.
  std::vector<double> rungs;
  // PBT: how often it took over another trial's weights, and the last interval it was judged at.
  int exploits = 0;
  int judged_at = 0;

  bool is_over() const {
    return status == TrialStatus::completed || status == TrialStatus::stopped ||
           status == TrialStatus::failed;
  }
};

std::vector<Trial> make_trials(std::uint64_t seed, int count);

}  // namespace example

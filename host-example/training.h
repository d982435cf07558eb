// One attempt of a trial: the network while it trains.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "host-example/digits.h"
#include "host-example/mlp.h"
#include "host-example/trial.h"

namespace example {

// What a trial reports after a pass over the training digits.
struct EpochReport {
  int iteration = 0;
  TrainingPass train;
  Evaluation validation;
  double weight_norm = 0;
  double seconds = 0;  // by the real clock
};

// Makes some attempts fail, the same ones for the same seed.
class Faults {
 public:
  Faults(std::uint64_t seed, double rate) : seed_(seed), rate_(rate) {}

  // The epoch of that attempt that fails, counted from 1; 0 = it cannot even start; -1 = none.
  int failing_epoch(const Trial& trial) const;

 private:
  std::uint64_t seed_;
  double rate_;
};

// Used by one thread at a time: by the tuner's between epochs, by a worker's during one.
class Training {
 public:
  // Goes on from the trial's checkpoint if it has one (`checkpoint_path`, empty = none), which
  // sets `iteration()`. A checkpoint that is missing or damaged means: from the beginning. Throws
  // if this attempt is made to fail at the start.
  Training(const Digits& digits, const Trial& trial, const std::string& checkpoint_path,
           std::uint64_t seed, const Faults& faults);

  // Throws if this attempt is made to fail here.
  EpochReport run_epoch();
  void save(const std::string& path) const;
  int iteration() const { return iteration_; }

 private:
  bool load(const std::string& path);

  const Digits& digits_;
  LearningRule rule_;
  // Of this attempt; another attempt sees the digits in another order.
  std::uint64_t seed_;
  int failing_epoch_;
  Mlp network_;
  int iteration_ = 0;
  int epochs_here_ = 0;
};

}  // namespace example

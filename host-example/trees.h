// What the plugins are told, as trees of values.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <tuner_plugin.hpp>

#include "host-example/job_state.h"
#include "host-example/training.h"
#include "host-example/trial.h"

namespace example {

// The result that a trial reports of one subset of the digits.
struct ResultFacts {
  const Trial& trial;
  const EpochReport& epoch;
  bool done = false;
  std::int64_t time_ns = 0;
  double seconds = 0;             // that the epoch took
  double total_seconds = 0;       // of this attempt so far
  std::int64_t samples_seen = 0;  // by this attempt so far
  std::uint64_t batches_seen = 0;
};

// Each fills an emptied builder.
void build_params(tuner::ResultBuilder& tree, const Params& params);
// The params and all that is the same for every trial.
void build_config(tuner::ResultBuilder& tree, const Params& params, const JobState& job,
                  const Digits& digits);
// About a dozen metrics, among them integers of both kinds, a flag, and now and then a text.
void build_train_result(tuner::ResultBuilder& tree, const ResultFacts& facts);
// Another two dozen, recall per digit as a map of its own.
void build_validation_result(tuner::ResultBuilder& tree, const ResultFacts& facts);

}  // namespace example

// Decides which trial runs next and which result is good enough to go on.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "host-example/trial.h"

namespace example {

enum class Verdict { go_on, pause, stop, complete, restart };

// Schedulers keep nothing of their own: what they go by is in the trials, which the job's state
// file holds, so that a resumed job decides as the first one would have.
class Scheduler {
 public:
  virtual ~Scheduler() = default;

  // The trial to start next, among those not running; none if all places left must stay free.
  virtual std::optional<std::size_t> next(std::span<const Trial> trials) const = 0;

  // Called after each iteration of trial `index`, whose own fields are up to date. May change
  // that trial's params, checkpoint and book-keeping (`restart`: go on with what is there now).
  virtual Verdict judge(std::span<Trial> trials, std::size_t index) const = 0;
};

// `kind` is random, asha or pbt. `epochs` is how long a trial may train. Null if no such kind.
std::unique_ptr<Scheduler> make_scheduler(const std::string& kind, int epochs, std::uint64_t seed);

std::unique_ptr<Scheduler> make_random_search(int epochs);
std::unique_ptr<Scheduler> make_asha(int epochs);
std::unique_ptr<Scheduler> make_pbt(int epochs, std::uint64_t seed);

// The first trial of that status, if any.
std::optional<std::size_t> first_with(std::span<const Trial> trials, TrialStatus status);

}  // namespace example

// SPDX-License-Identifier: Apache-2.0
#include "host-example/scheduler.h"

namespace example {
namespace {

// Every trial trains to its end, in order.
class RandomSearch : public Scheduler {
 public:
  explicit RandomSearch(int epochs) : epochs_(epochs) {}

  std::optional<std::size_t> next(std::span<const Trial> trials) const override {
    if (const auto ready = first_with(trials, TrialStatus::ready)) return ready;
    return first_with(trials, TrialStatus::pending);
  }

  Verdict judge(std::span<Trial> trials, std::size_t index) const override {
    return trials[index].iteration >= epochs_ ? Verdict::complete : Verdict::go_on;
  }

 private:
  int epochs_;
};

}  // namespace

std::optional<std::size_t> first_with(std::span<const Trial> trials, TrialStatus status) {
  for (std::size_t i = 0; i < trials.size(); ++i) {
    if (trials[i].status == status) return i;
  }
  return std::nullopt;
}

std::unique_ptr<Scheduler> make_random_search(int epochs) {
  return std::make_unique<RandomSearch>(epochs);
}

std::unique_ptr<Scheduler> make_scheduler(const std::string& kind, int epochs, std::uint64_t seed) {
  if (kind == "random") return make_random_search(epochs);
  if (kind == "asha") return make_asha(epochs);
  if (kind == "pbt") return make_pbt(epochs, seed);
  return nullptr;
}

}  // namespace example

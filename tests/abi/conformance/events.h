// One valid event of each kind, and a way to call every hook of a plugin alike.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "library.h"

namespace conformance {

// A hook with an event that it must accept. `call` takes an event that begins as `event` does.
struct Hook {
  std::string name;
  const void* event;
  uint32_t size;        // of the event
  uint32_t least_size;  // of it in ABI version 1
  std::function<tuner_status(Instance&, const void*, tuner_error*)> call;
  bool is_of_a_trial;
  std::function<bool(const tuner_plugin&)> exists;
};

// Owns the events and all they point to.
class Events {
 public:
  Events();
  Events(const Events&) = delete;
  Events& operator=(const Events&) = delete;

  // The hooks from on_step_begin to on_experiment_end. Those that a plugin lacks return TUNER_OK.
  const std::vector<Hook>& hooks() const { return hooks_; }
  const Hook& setup() const { return setup_; }

  // The same event under another trial id (only for hooks of a trial). Valid until the next call.
  const void* with_trial(const Hook& hook, tuner_string id);

 private:
  void fill_in();

  tuner::ResultBuilder builder_;
  tuner::ResultBuilder params_;
  tuner_setup_event setup_event_;
  tuner_step_event step_;
  tuner_trial trial_;
  tuner_trial_start_event start_;
  tuner_trial_result_event result_;
  tuner_checkpoint_event checkpoint_;
  tuner_trial_end_event end_;
  tuner_trial_error_event error_;
  tuner_experiment_end_event experiment_end_;
  Hook setup_;
  std::vector<Hook> hooks_;
};

}  // namespace conformance

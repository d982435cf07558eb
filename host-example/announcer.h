// Tells the plugins what happens. How a host calls them: read this, and plugin_session.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <tuner_plugin.hpp>

#include "host-example/ack_file.h"
#include "host-example/clock.h"
#include "host-example/console.h"
#include "host-example/job_state.h"
#include "host-example/plugin_session.h"
#include "host-example/trees.h"

namespace example {

// Every event is made once and given to each plugin in turn, so that all of them are told the
// same, and so that it makes no difference to the job how many there are. Used by one thread.
class Announcer {
 public:
  // Opens the plugins, gives them the states saved with the job if it is resumed, and sets them
  // up. Throws std::runtime_error if one cannot be used at all: better now than after the job.
  // `acknowledged` may be null.
  Announcer(const Options& options, const JobState& job, const Digits& digits, Clock& clock,
            Console& console, AckFile* acknowledged);

  void step_begins(std::int64_t turn);
  void step_ends(std::int64_t turn);
  // The first start and every other; where it has a checkpoint, it goes on from there.
  void trial_starts(const Trial& trial);
  void train_result(const Trial& trial, const EpochReport& epoch, bool done);
  void validation_result(const Trial& trial, const EpochReport& epoch, bool done);
  void checkpoint_saved(const Trial& trial);
  void trial_pauses(const Trial& trial);
  // Completed or stopped, as its status says.
  void trial_ends(const Trial& trial);
  // To be tried again, or for good, as its status says.
  void trial_fails(const Trial& trial, const std::string& what);
  void experiment_ends(bool interrupted);

  // Ends the first plugin and goes on with another, in the middle of the job.
  void swap(const PluginSpec& spec);
  // Writes the plugins' states beside the job's, which names them.
  void save_states(JobState& job);
  // Flushes, shows each plugin's count of what it recorded and lost, and ends them.
  void close();

 private:
  // Of a trial's attempt.
  struct Progress {
    std::int64_t last_ns = 0;
    double seconds = 0;
    std::int64_t samples = 0;
    std::uint64_t batches = 0;
  };

  void set_up(PluginSession& plugin, bool resumed);
  void restore_state(PluginSession& plugin);
  ResultFacts facts(const Trial& trial, const EpochReport& epoch, bool done);
  void tell_result(const ResultFacts& facts, std::uint32_t subset, double loss);
  template <class Event>
  void tell(const Hook<Event>& hook, const Event& event);

  const Options& options_;
  const JobState job_;  // as it began
  const Digits& digits_;
  Clock& clock_;
  Console& console_;
  AckFile* acknowledged_;
  std::vector<std::unique_ptr<PluginSession>> plugins_;
  // As written last, to write only what changed.
  std::vector<std::string> saved_states_;
  // By the trial's index.
  std::vector<Progress> progress_;
  tuner::ResultBuilder params_;
  tuner::ResultBuilder config_;
  tuner::ResultBuilder result_;
};

}  // namespace example

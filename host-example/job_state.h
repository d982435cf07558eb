// What the tuner must know to go on with a job after its process died.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host-example/options.h"
#include "host-example/trial.h"

namespace example {

struct JobState {
  std::string job_id;  // empty where the id is lost: the plugins are then told none
  std::string experiment;
  std::string scheduler;
  std::uint64_t seed = 0;
  int epochs = 0;
  double fail_rate = 0;
  std::uint64_t clock_ticks = 0;
  std::int64_t turns = 0;    // of the tuner's loop
  std::int64_t results = 0;  // reported, all processes of the job together
  std::vector<Trial> trials;
  // Names of the plugins, in the order in which their states were saved.
  std::vector<std::string> plugins;
};

// A job that has not begun.
JobState new_job(const Options& options);

// `<job_dir>/job.state`: lines of text, numbers exact, replaced as a whole. Throws
// std::system_error.
void save_job(const std::string& job_dir, const JobState& job);

// Throws std::runtime_error with the reason if the file is missing or damaged. Trials that ran or
// were about to are `ready`.
JobState load_job(const std::string& job_dir);

std::string plugin_state_path(const std::string& job_dir, std::size_t plugin);

}  // namespace example

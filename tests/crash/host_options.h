// The command line of the host of the crash tests.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace crash {

struct HostOptions {
  std::string plugin;
  std::string repo;
  std::string acks;
  std::string state;              // a file; empty: none is kept
  std::string block_log;          // of the disk below the repo (block_log.h); empty: there is none
  std::uint32_t job = 1;          // "job-N" is its id
  bool job_id = true;             // whether the plugin is told the id
  int resumed = 0;                // as in the setup event
  std::uint32_t trials = 4;       // that run at once
  std::uint64_t results = 0;      // after which the job ends in order; 0 = until killed
  std::uint32_t pace_us = 0;      // between results
  std::uint32_t complete_in = 0;  // one of so many results is its trial's last; 0 = none is
  std::uint64_t seed = 1;
  bool fork_child = false;       // a child that sleeps until it is killed
  bool linger = false;           // after the results: wait to be killed, without an end
  std::uint64_t slow_after = 0;  // results; then syncs take slow_ms longer
  int slow_ms = 0;
  std::uint64_t fail_after = 0;  // results; then writes fail with fail_errno
  int fail_errno = 0;
  std::uint64_t mend_after = 0;   // results; then nothing is slow and nothing fails
  std::uint64_t clock_every = 0;  // results; then the wall clock steps on or back by clock_step_s
  int clock_step_s = 0;
  bool all_clocks = false;                                    // the monotonic one too
  std::vector<std::pair<std::string, std::string>> settings;  // of create
};

// Throws std::runtime_error with a text for the writer of the test.
HostOptions read_options(int count, char** words);

}  // namespace crash

// What the command line asks for.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace example {

struct PluginSpec {
  std::string path;
  std::string config;  // a file; empty = the plugin's defaults
};

struct Options {
  std::vector<PluginSpec> plugins;
  std::string scheduler = "random";
  int samples = 20;
  int workers = 2;
  std::uint64_t seed = 1;
  int epochs = 12;
  double fail_rate = 0;  // chance that one attempt of a trial fails
  std::string experiment = "digits";
  std::string job_dir = "tuner-job";
  bool resume = false;
  bool no_job_id = false;
  bool resumed_unknown = false;
  double stop_after_s = 0;      // 0 = no limit
  std::int64_t swap_after = 0;  // results; 0 = never
  PluginSpec swap_to;
  int throttle_ms = 0;  // pause after each result
  bool fixed_clock = false;
  std::string ack_file;
  std::string data;  // empty = where the program finds it
  bool quiet = false;
  bool help = false;
};

// The text says what to mend; the program then ends with exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws UsageError.
Options parse_options(const std::vector<std::string>& arguments);

std::string help_text();

}  // namespace example

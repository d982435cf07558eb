// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host-example/ack_file.h"
#include "host-example/interrupts.h"
#include "host-example/options.h"
#include "host-example/tuner.h"

namespace example {
namespace {

// A fresh job replaces what another left in the directory.
void clear_job_dir(const std::string& job_dir) {
  namespace fs = std::filesystem;
  fs::create_directories(job_dir);
  fs::remove(job_dir + "/job.state");
  fs::remove_all(job_dir + "/trials");
  for (std::size_t i = 0; fs::remove(plugin_state_path(job_dir, i)); ++i) {
  }
}

// The job to run: the one in the directory, if it is to be resumed and can be. Otherwise it is
// begun again, under no id, because the id was lost with the state.
JobState find_job(const Options& options, Console& console) {
  if (options.resume) {
    try {
      return load_job(options.job_dir);
    } catch (const std::exception& error) {
      console.warn(std::string("cannot go on where the job was: ") + error.what() +
                   "; its trials begin again");
    }
  }
  clear_job_dir(options.job_dir);
  JobState job = new_job(options);
  if (options.resume) job.job_id.clear();
  return job;
}

int run(Options options) {
  Console console(options.quiet);
  if (!options.fixed_clock) {
    options.job_dir = std::filesystem::absolute(options.job_dir).lexically_normal().string();
  }
  JobState job = find_job(options, console);
  const Digits digits =
      load_digits(options.data.empty() ? default_digits_path() : options.data, job.seed);
  Clock clock(options.fixed_clock, job.clock_ticks);
  std::optional<AckFile> acknowledged;
  if (!options.ack_file.empty()) acknowledged.emplace(options.ack_file);

  watch_interrupts();
  Announcer announcer(options, job, digits, clock, console,
                      acknowledged ? &*acknowledged : nullptr);
  Tuner tuner(options, std::move(job), digits, clock, console, announcer);
  const bool done = tuner.run();
  console.show_trials(tuner.job().trials);
  announcer.close();
  const int signal = interrupt_signal();
  return done || signal == 0 ? 0 : 128 + signal;
}

}  // namespace
}  // namespace example

int main(int argc, char** argv) {
  try {
    const example::Options options =
        example::parse_options(std::vector<std::string>(argv + 1, argv + argc));
    if (options.help) {
      std::fputs(example::help_text().c_str(), stdout);
      return 0;
    }
    return example::run(options);
  } catch (const example::UsageError& error) {
    std::fprintf(stderr, "tuner: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tuner: %s\n", error.what());
    return 1;
  }
}

// What trials cost, when there are many of them: the time of a start and an end, the bytes on disk
// of a small trial, memory and open files over all of them; and the bytes written for a point when
// thousands of trials report at the same time.
//
// usage: trials_bench AIMLOG_PLUGIN [--quick] [--json] [--small N] [--live N] [--seconds N]
#include <malloc.h>

#include <chrono>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/metric_host.h"
#include "tests/bench/options.h"
#include "tests/bench/process_usage.h"
#include "tests/bench/report.h"
#include "tests/bench/stopwatch.h"
#include "tests/support/temp_dir.h"

namespace aimlog::bench {
namespace {

constexpr const char* host_config = "repo: repo\non_full: block\n";

// What the process holds when all that was recorded is in the store.
struct Held {
  double megabytes = 0;
  uint64_t files = 0;
};

// Looked at after a flush, and when what the process could give back to the system is given back:
// else it would be chance how much of a commit is under way. LMDB keeps the pages of its largest
// commit for the next one.
Held held_after_flush(Host& host) {
  host.flush();
  ::malloc_trim(0);
  return {static_cast<double>(own_memory_bytes()) / (1 << 20), open_files()};
}

uint64_t small_trials(const Options& options, const Report& report) {
  const test::TempDir directory;
  const uint64_t trials = options.number("--small", 100'000, 5'000);
  uint64_t refused = 0;
  Held early, middle, late;
  const auto begin = Clock::now();
  {
    Host host(options.given(0), host_config, directory.path(), 5);
    MixedReport values(3);
    for (uint64_t i = 0; i < trials; ++i) {
      const std::string id = "trial_" + std::to_string(i);
      host.start(id);
      for (int64_t step = 1; step <= 3; ++step) host.report(id, step, values.next());
      host.complete(id);
      if (i + 1 == trials / 10) early = held_after_flush(host);
      if (i + 1 == trials / 2) middle = held_after_flush(host);
    }
    late = held_after_flush(host);
    refused = host.refused();
  }
  const double seconds = seconds_since(begin);
  const auto count = static_cast<double>(trials);
  report.say(std::to_string(trials) +
             " trials of 3 results with 5 metrics: " + std::to_string(seconds) + " s");
  report.add("small trial, all of it", seconds / count * 1e6, "us", "a committed result of the 3",
             seconds / count / 3 * 1e6);
  report.add("small trial, on disk", static_cast<double>(size_on_disk(directory.path())) / count,
             "bytes", "15 doubles and 3 steps", 144);
  report.add("memory after all trials", late.megabytes, "MB", "after a tenth of them",
             early.megabytes);
  report.add("memory grown over the second half of the trials", late.megabytes - middle.megabytes,
             "MB", "held after the first half", middle.megabytes);
  report.add("open files after all trials", static_cast<double>(late.files), "files",
             "those after a tenth of the trials", static_cast<double>(early.files));
  return refused;
}

uint64_t live_trials(const Options& options, const Report& report) {
  const test::TempDir directory;
  const uint64_t trials = options.number("--live", 10'000, 1'000);
  const uint64_t live_seconds = options.number("--seconds", 60, 5);
  std::vector<std::string> ids;
  for (uint64_t i = 0; i < trials; ++i) ids.push_back("trial_" + std::to_string(i));
  uint64_t refused = 0, resident = 0;
  const uint64_t written = bytes_written(), dirtied = bytes_dirtied();
  {
    Host host(options.given(0), host_config, directory.path(), mixed_metrics.size());
    MixedReport values(5);
    for (const std::string& id : ids) host.start(id);
    auto due = Clock::now();
    // A tenth of them each tenth of a second, as if each reported on its own.
    for (uint64_t turn = 0; turn < live_seconds * 10; ++turn) {
      for (size_t i = turn % 10; i < ids.size(); i += 10)
        host.report(ids[i], static_cast<int64_t>(turn / 10 + 1), values.next());
      std::this_thread::sleep_until(due += std::chrono::milliseconds(100));
    }
    resident = own_memory_bytes();
    refused = host.refused();
  }
  const double points =
      static_cast<double>(trials * live_seconds) * static_cast<double>(mixed_metrics.size());
  report.say(std::to_string(trials) + " live trials, a result of 20 metrics a second, " +
             std::to_string(live_seconds) + " s: " + std::to_string(resident >> 20) +
             " MB of memory");
  report.add("live trials, written by the store",
             static_cast<double>(bytes_written() - written) / points, "B/point", "a double", 8);
  report.add("live trials, made dirty, the journal too",
             static_cast<double>(bytes_dirtied() - dirtied) / points, "B/point", "a double", 8);
  report.add("live trials, on disk at the end",
             static_cast<double>(size_on_disk(directory.path())) / points, "B/point", "a double",
             8);
  return refused;
}

int run(const Options& options) {
  const Report report(options.json());
  uint64_t refused = small_trials(options, report);
  refused += live_trials(options, report);
  if (refused != 0) std::cerr << refused << " events were refused\n";
  return refused == 0 ? 0 : 1;
}

}  // namespace
}  // namespace aimlog::bench

int main(int argc, char** argv) {
  using namespace aimlog::bench;
  return run_main(argc, argv, 1,
                  "AIMLOG_PLUGIN [--quick] [--json] [--small N] [--live N] [--seconds N]", run);
}

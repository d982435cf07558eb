// What trials cost, when there are many of them: the time of a start and an end, the bytes on disk
// of a small trial, memory and open files over all of them; and the bytes written for a point when
// thousands of trials report at the same time.
//
// usage: trials_bench AIMLOG_PLUGIN [--quick] [--json]
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/metric_host.h"
#include "tests/bench/process_usage.h"
#include "tests/bench/report.h"
#include "tests/support/temp_dir.h"

namespace aimlog::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* host_config = "repo: repo\non_full: block\n";

struct Options {
  std::string plugin;
  bool json = false;
  uint64_t small_trials = 100'000;
  uint64_t live_trials = 10'000;
  uint64_t live_seconds = 60;
};

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

uint64_t small_trials(const Options& options, const Report& report) {
  const test::TempDir directory;
  uint64_t refused = 0, resident_early = 0, resident = 0, files = 0;
  const auto begin = Clock::now();
  {
    Host host(options.plugin, host_config, directory.path(), 5);
    MixedReport values(3);
    for (uint64_t i = 0; i < options.small_trials; ++i) {
      const std::string id = "trial_" + std::to_string(i);
      host.start(id);
      for (int64_t step = 1; step <= 3; ++step) host.report(id, step, values.next());
      host.complete(id);
      if (i == options.small_trials / 10) resident_early = own_memory_bytes();
    }
    resident = own_memory_bytes();
    files = open_files();
    refused = host.refused();
  }
  const double seconds = seconds_since(begin);
  const auto count = static_cast<double>(options.small_trials);
  report.say(std::to_string(options.small_trials) + " trials of 3 results with 5 metrics: " +
             std::to_string(seconds) + " s, " + std::to_string(files) + " files open");
  report.add("small trial, all of it", seconds / count * 1e6, "us", "a committed result of the 3",
             seconds / count / 3 * 1e6);
  report.add("small trial, on disk", static_cast<double>(size_on_disk(directory.path())) / count,
             "bytes", "15 doubles and 3 steps", 144);
  report.add("memory at the end", static_cast<double>(resident) / (1 << 20), "MB",
             "after a tenth of the trials", static_cast<double>(resident_early) / (1 << 20));
  return refused;
}

uint64_t live_trials(const Options& options, const Report& report) {
  const test::TempDir directory;
  std::vector<std::string> ids;
  for (uint64_t i = 0; i < options.live_trials; ++i) ids.push_back("trial_" + std::to_string(i));
  uint64_t refused = 0, resident = 0;
  const uint64_t written = bytes_written(), dirtied = bytes_dirtied();
  {
    Host host(options.plugin, host_config, directory.path(), mixed_metrics.size());
    MixedReport values(5);
    for (const std::string& id : ids) host.start(id);
    auto due = Clock::now();
    // A tenth of them each tenth of a second, as if each reported on its own.
    for (uint64_t turn = 0; turn < options.live_seconds * 10; ++turn) {
      for (size_t i = turn % 10; i < ids.size(); i += 10)
        host.report(ids[i], static_cast<int64_t>(turn / 10 + 1), values.next());
      std::this_thread::sleep_until(due += std::chrono::milliseconds(100));
    }
    resident = own_memory_bytes();
    refused = host.refused();
  }
  const double points = static_cast<double>(options.live_trials * options.live_seconds) *
                        static_cast<double>(mixed_metrics.size());
  report.say(std::to_string(options.live_trials) +
             " live trials, a result of 20 metrics a second, " +
             std::to_string(options.live_seconds) + " s: " + std::to_string(resident >> 20) +
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

}  // namespace
}  // namespace aimlog::bench

int main(int argc, char** argv) {
  using namespace aimlog::bench;
  if (argc < 2) {
    std::cerr << "usage: trials_bench AIMLOG_PLUGIN [--quick] [--json]\n";
    return 2;
  }
  Options options;
  options.plugin = argv[1];
  for (int i = 2; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--json") options.json = true;
    if (word == "--quick") {
      options.small_trials = 5'000;
      options.live_trials = 1'000;
      options.live_seconds = 5;
    }
    if (word == "--small" && i + 1 < argc) options.small_trials = std::stoull(argv[++i]);
    if (word == "--live" && i + 1 < argc) options.live_trials = std::stoull(argv[++i]);
    if (word == "--seconds" && i + 1 < argc) options.live_seconds = std::stoull(argv[++i]);
  }
  const Report report(options.json);
  const uint64_t refused = small_trials(options, report) + live_trials(options, report);
  if (refused != 0) std::cerr << refused << " events were refused\n";
  return refused == 0 ? 0 : 1;
}

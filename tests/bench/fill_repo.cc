// Fills a repo through the plugin, for benchmarks of what reads it: RUNS runs one after the other,
// each with RESULTS results of METRICS metrics.
//
// usage: fill_repo AIMLOG_PLUGIN DIR RUNS RESULTS METRICS [--dead-journal MIB]
// With --dead-journal the runs end with a last one that is not committed: it reports until its
// journal holds so many MiB, and then the process kills itself.
#include <signal.h>
#include <unistd.h>

#include <iostream>

#include "tests/bench/metric_host.h"

namespace aimlog::bench {
namespace {

struct Options {
  std::string plugin;
  std::filesystem::path directory;
  uint64_t runs = 0;
  int64_t results = 0;
  size_t metrics = 0;
  uint64_t dead_mib = 0;
};

// Nothing is committed before a quarter of the journal is full, or its time is over.
std::string config(const Options& options) {
  const std::string common = "repo: .\non_full: block\n";
  if (options.dead_mib == 0) return common;
  return common +
         "commit_interval_ms: 600000\njournal_bytes: " + std::to_string(4 * options.dead_mib + 4) +
         "MiB\n";
}

void die_with_full_journal(Host& host, const Options& options) {
  MixedReport values(9);
  host.start("killed");
  for (int64_t step = 1; host.journal_bytes() < options.dead_mib << 20; ++step)
    host.report("killed", step, values.next());
  ::kill(::getpid(), SIGKILL);
}

uint64_t fill(const Options& options) {
  Host host(options.plugin, config(options), options.directory, options.metrics);
  MixedReport values(3);
  for (uint64_t run = 0; run < options.runs; ++run) {
    const std::string id = "trial_" + std::to_string(run);
    host.start(id);
    for (int64_t step = 1; step <= options.results; ++step) host.report(id, step, values.next());
    host.complete(id);
  }
  if (options.dead_mib != 0) die_with_full_journal(host, options);
  return host.refused();
}

}  // namespace
}  // namespace aimlog::bench

int main(int argc, char** argv) {
  using namespace aimlog::bench;
  if (argc != 6 && argc != 8) {
    std::cerr << "usage: fill_repo AIMLOG_PLUGIN DIR RUNS RESULTS METRICS [--dead-journal MIB]\n";
    return 2;
  }
  Options options{argv[1],
                  argv[2],
                  std::stoull(argv[3]),
                  std::stoll(argv[4]),
                  std::stoul(argv[5]),
                  argc == 8 ? std::stoull(argv[7]) : 0};
  options.metrics = std::min(options.metrics, mixed_metrics.size());
  std::filesystem::create_directories(options.directory);
  const uint64_t refused = fill(options);
  if (refused != 0) std::cerr << "fill_repo: " << refused << " events were refused\n";
  return refused == 0 ? 0 : 1;
}

// Fills a repo through the plugin, for benchmarks of what reads it: RUNS runs one after the other,
// each with RESULTS results of METRICS metrics.
//
// usage: fill_repo AIMLOG_PLUGIN DIR RUNS RESULTS METRICS [--dead-journal MIB]
// With --dead-journal the runs end with a last one that is not committed: it reports until its
// journal holds so many MiB, and then the process kills itself.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "tests/bench/metric_host.h"
#include "tests/bench/options.h"

namespace aimlog::bench {
namespace {

struct Wanted {
  std::string plugin;
  std::filesystem::path directory;
  uint64_t runs = 0;
  int64_t results = 0;
  size_t metrics = 0;
  uint64_t dead_mib = 0;
};

// Nothing is committed before a quarter of the journal is full, or its time is over.
std::string config(const Wanted& wanted) {
  const std::string common = "repo: .\non_full: block\n";
  if (wanted.dead_mib == 0) return common;
  return common +
         "commit_interval_ms: 600000\njournal_bytes: " + std::to_string(4 * wanted.dead_mib + 4) +
         "MiB\n";
}

void die_with_full_journal(Host& host, const Wanted& wanted) {
  MixedReport values(9);
  host.start("killed");
  for (int64_t step = 1; host.journal_bytes() < wanted.dead_mib << 20; ++step)
    host.report("killed", step, values.next());
  ::kill(::getpid(), SIGKILL);
}

uint64_t fill(const Wanted& wanted) {
  Host host(wanted.plugin, config(wanted), wanted.directory, wanted.metrics);
  MixedReport values(3);
  for (uint64_t run = 0; run < wanted.runs; ++run) {
    const std::string id = "trial_" + std::to_string(run);
    host.start(id);
    for (int64_t step = 1; step <= wanted.results; ++step) host.report(id, step, values.next());
    host.complete(id);
  }
  if (wanted.dead_mib != 0) die_with_full_journal(host, wanted);
  return host.refused();
}

int run(const Options& options) {
  const Wanted wanted{options.given(0),
                      options.given(1),
                      std::stoull(options.given(2)),
                      std::stoll(options.given(3)),
                      std::min<size_t>(std::stoul(options.given(4)), mixed_metrics.size()),
                      options.number("--dead-journal", 0, 0)};
  std::filesystem::create_directories(wanted.directory);
  const uint64_t refused = fill(wanted);
  if (refused != 0) std::cerr << "fill_repo: " << refused << " events were refused\n";
  return refused == 0 ? 0 : 1;
}

}  // namespace
}  // namespace aimlog::bench

int main(int argc, char** argv) {
  using namespace aimlog::bench;
  return run_main(argc, argv, 5, "AIMLOG_PLUGIN DIR RUNS RESULTS METRICS [--dead-journal MIB]",
                  run);
}

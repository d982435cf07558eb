// How many points a second go from on_trial_result into a synced store: reports of twenty metrics
// of several runs in turn, as fast as the plugin takes them (on_full: block), until destroy
// returns. Beside it the floor: the journal's bytes written to a file and synced once a second.
//
// usage: ingest_bench AIMLOG_PLUGIN [--quick] [--json] [--points N] [--runs N]
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <memory>
#include <vector>

#include "tests/bench/loaded_plugin.h"
#include "tests/bench/mixed_report.h"
#include "tests/bench/process_usage.h"
#include "tests/bench/report.h"
#include "tests/support/temp_dir.h"

namespace aimlog::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string plugin;
  bool json = false;
  uint64_t points = 100'000'000;
  uint64_t runs = 8;
};

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Reports made beforehand: making them costs more than the hook that takes them.
std::vector<MixedReport::Values> prepared_reports(size_t count) {
  std::vector<MixedReport::Values> reports;
  reports.reserve(count);
  MixedReport report(1);
  for (size_t i = 0; i < count; ++i) reports.push_back(report.next());
  return reports;
}

struct Outcome {
  double seconds = 0;          // from the first hook until destroy returned
  double cpu_seconds = 0;      // of all threads meanwhile
  double host_seconds = 0;     // of these, the host's thread
  uint64_t written_bytes = 0;  // by the store
  uint64_t dirtied_bytes = 0;  // the journal too
  uint64_t repo_bytes = 0;
  uint64_t waits = 0;
  uint64_t wait_ns_max = 0;
  uint64_t lost = 0;
};

class Ingest {
 public:
  Ingest(const Options& options, const std::vector<MixedReport::Values>& reports)
      : options_(options), reports_(reports) {}

  Outcome run() {
    const test::TempDir directory;
    Outcome outcome;
    {
      tuner::Plugin plugin =
          load_plugin(options_.plugin, "repo: repo\non_full: block\n", directory.path());
      const uint64_t written = bytes_written(), dirtied = bytes_dirtied();
      const double cpu = cpu_seconds(RUSAGE_SELF), host = cpu_seconds(RUSAGE_THREAD);
      const auto begin = Clock::now();
      report_all(plugin);
      plugin.flush({});
      outcome.host_seconds = cpu_seconds(RUSAGE_THREAD) - host;
      auto stats = tuner::make<tuner_stats>();
      plugin.get_stats(stats);
      { const tuner::Plugin closed = std::move(plugin); }
      outcome.seconds = seconds_since(begin);
      outcome.cpu_seconds = cpu_seconds(RUSAGE_SELF) - cpu;
      outcome.written_bytes = bytes_written() - written;
      outcome.dirtied_bytes = bytes_dirtied() - dirtied;
      outcome.waits = stats.waits;
      outcome.wait_ns_max = stats.wait_ns_max;
      outcome.lost = stats.events_dropped + stats.events_lost + refused_;
    }
    outcome.repo_bytes = size_on_disk(directory.path());
    return outcome;
  }

 private:
  void report_all(tuner::Plugin& plugin) {
    std::vector<std::string> ids;
    for (uint64_t run = 0; run < options_.runs; ++run)
      ids.push_back("trial_" + std::to_string(run));
    std::vector<tuner_entry> entries(mixed_metrics.size() + 1);
    tuner_value result{};
    result.tag = TUNER_TAG_MAP;
    result.as.map.entries = entries.data();
    result.as.map.count = entries.size();
    entries[0].key = tuner::text("training_iteration");
    entries[0].value.tag = TUNER_TAG_INT64;
    for (size_t i = 0; i < mixed_metrics.size(); ++i)
      entries[i + 1].key = tuner::text(mixed_metrics[i].name);
    auto event = tuner::make<tuner_trial_result_event>();
    event.result = &result;
    const uint64_t results = options_.points / mixed_metrics.size();
    for (uint64_t i = 0; i < results; ++i) {
      const uint64_t run = i % options_.runs, step = i / options_.runs;
      entries[0].value.as.int64 = static_cast<int64_t>(step + 1);
      const MixedReport::Values& values = reports_[(step + run * 977) % reports_.size()];
      for (size_t j = 0; j < values.size(); ++j) entries[j + 1].value = values[j];
      event.trial_id = tuner::text(ids[run]);
      event.trial_key = run + 1;
      event.time_ns = 1700000000000000000 + static_cast<int64_t>(step) * 812345678 +
                      static_cast<int64_t>(run) * 1000;
      refused_ += plugin.on_trial_result(event) != TUNER_OK ? 1 : 0;
    }
  }

  const Options& options_;
  const std::vector<MixedReport::Values>& reports_;
  uint64_t refused_ = 0;
};

// The same number of journal bytes into one file, synced at the committer's pace.
double floor_seconds(uint64_t bytes) {
  const test::TempDir directory;
  const int fd = ::open((directory / "floor").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const std::vector<char> block(4 << 20, 'x');
  const auto begin = Clock::now();
  auto synced = begin;
  for (uint64_t done = 0; done < bytes; done += block.size()) {
    if (::write(fd, block.data(), block.size()) < 0) break;
    if (seconds_since(synced) >= 1) {
      ::fdatasync(fd);
      synced = Clock::now();
    }
  }
  ::fdatasync(fd);
  ::close(fd);
  return seconds_since(begin);
}

void print(const Report& report, const Options& options, const Outcome& outcome) {
  const auto points = static_cast<double>(options.points);
  const double journal_bytes = points / mixed_metrics.size() * 264;
  const double floor = floor_seconds(static_cast<uint64_t>(journal_bytes));
  report.say("ingest, " + std::to_string(options.points) + " points of " +
             std::to_string(options.runs) +
             " runs, until destroy returned: " + std::to_string(outcome.seconds) + " s, " +
             std::to_string(outcome.waits) + " waits for the committer (longest " +
             std::to_string(static_cast<double>(outcome.wait_ns_max) * 1e-6) + " ms), " +
             std::to_string(outcome.lost) + " lost");
  const std::string floor_name = "write+fdatasync of the journal";
  report.add("ingest, wall", points / outcome.seconds * 1e-6, "M points/s", floor_name,
             points / floor * 1e-6);
  report.add("ingest, all threads on one core", points / outcome.cpu_seconds * 1e-6, "M points/s",
             floor_name, points / floor * 1e-6);
  report.add("ingest, the committer's core",
             points / (outcome.cpu_seconds - outcome.host_seconds) * 1e-6, "M points/s", floor_name,
             points / floor * 1e-6);
  report.add("repo, bytes a point", static_cast<double>(outcome.repo_bytes) / points, "bytes",
             "8 bytes of a double", 8);
  const double repo = static_cast<double>(outcome.repo_bytes) / points;
  report.add("written by the store, bytes a point",
             static_cast<double>(outcome.written_bytes) / points, "bytes", "repo", repo);
  report.add("made dirty, the journal too, bytes a point",
             static_cast<double>(outcome.dirtied_bytes) / points, "bytes", "repo", repo);
}

}  // namespace
}  // namespace aimlog::bench

int main(int argc, char** argv) {
  using namespace aimlog::bench;
  if (argc < 2) {
    std::cerr << "usage: ingest_bench AIMLOG_PLUGIN [--quick] [--json] [--points N] [--runs N]\n";
    return 2;
  }
  Options options;
  options.plugin = argv[1];
  for (int i = 2; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--quick") options.points = 4'000'000;
    if (word == "--json") options.json = true;
    if (word == "--points" && i + 1 < argc) options.points = std::stoull(argv[++i]);
    if (word == "--runs" && i + 1 < argc) options.runs = std::stoull(argv[++i]);
  }
  const auto reports = prepared_reports(1 << 16);
  const Outcome outcome = Ingest(options, reports).run();
  print(Report(options.json), options, outcome);
  return outcome.lost == 0 ? 0 : 1;
}

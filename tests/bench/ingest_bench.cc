// How many points a second go from on_trial_result into a synced store: reports of twenty metrics
// of several runs in turn, as fast as the plugin takes them (on_full: block), until destroy
// returns. Beside it the floor: the journal's bytes written to a file and synced once a second.
// Each tenth of the points is timed apart, which shows whether the rate lasts.
//
// usage: ingest_bench AIMLOG_PLUGIN [--quick] [--json] [--points N] [--runs N]
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

#include "tests/bench/loaded_plugin.h"
#include "tests/bench/mixed_report.h"
#include "tests/bench/options.h"
#include "tests/bench/process_usage.h"
#include "tests/bench/report.h"
#include "tests/bench/stopwatch.h"
#include "tests/support/temp_dir.h"

namespace aimlog::bench {
namespace {

constexpr const char* usage = "AIMLOG_PLUGIN [--quick] [--json] [--points N] [--runs N]";
constexpr uint64_t parts = 10;

struct Work {
  std::string plugin;
  uint64_t points = 0;
  uint64_t runs = 0;
};

// Reports made beforehand: making them costs more than the hook that takes them.
std::vector<MixedReport::Values> prepared_reports(size_t count) {
  std::vector<MixedReport::Values> reports;
  reports.reserve(count);
  MixedReport report(1);
  for (size_t i = 0; i < count; ++i) reports.push_back(report.next());
  return reports;
}

// Taken by the host's thread when it has reported another part.
struct Mark {
  double seconds = 0;
  double committer_seconds = 0;  // of processor time, by all threads but the host's
};

struct Outcome {
  double seconds = 0;          // from the first hook until destroy returned
  double cpu_seconds = 0;      // of all threads meanwhile
  double host_seconds = 0;     // of these, the host's thread
  uint64_t written_bytes = 0;  // by the store
  uint64_t dirtied_bytes = 0;  // the journal too
  uint64_t device_bytes = 0;   // written to the block device, by others too
  uint64_t repo_bytes = 0;
  uint64_t journal_bytes = 0;  // its size
  uint64_t waits = 0;
  uint64_t wait_ns_max = 0;
  uint64_t lost = 0;
  std::vector<Mark> marks;  // one more than parts
};

class Ingest {
 public:
  Ingest(const Work& work, const std::vector<MixedReport::Values>& reports)
      : work_(work), reports_(reports) {}

  Outcome run() {
    const test::TempDir directory;
    Outcome outcome;
    {
      tuner::Plugin plugin =
          load_plugin(work_.plugin, "repo: repo\non_full: block\n", directory.path());
      ::sync();  // what others left to write is theirs
      const uint64_t device = device_bytes_written(directory.path());
      const uint64_t written = bytes_written(), dirtied = bytes_dirtied();
      const double cpu = cpu_seconds(RUSAGE_SELF), host = cpu_seconds(RUSAGE_THREAD);
      const auto begin = Clock::now();
      report_all(plugin, outcome.marks);
      plugin.flush({});
      outcome.host_seconds = cpu_seconds(RUSAGE_THREAD) - host;
      auto stats = tuner::make<tuner_stats>();
      plugin.get_stats(stats);
      { const tuner::Plugin closed = std::move(plugin); }
      outcome.seconds = seconds_since(begin);
      outcome.cpu_seconds = cpu_seconds(RUSAGE_SELF) - cpu;
      outcome.written_bytes = bytes_written() - written;
      outcome.dirtied_bytes = bytes_dirtied() - dirtied;
      outcome.device_bytes = device_bytes_written(directory.path()) - device;
      outcome.journal_bytes = stats.journal_bytes;
      outcome.waits = stats.waits;
      outcome.wait_ns_max = stats.wait_ns_max;
      outcome.lost = stats.events_dropped + stats.events_lost + refused_;
    }
    outcome.repo_bytes = size_on_disk(directory.path());
    return outcome;
  }

 private:
  void report_all(tuner::Plugin& plugin, std::vector<Mark>& marks) {
    std::vector<std::string> ids;
    for (uint64_t run = 0; run < work_.runs; ++run) ids.push_back("trial_" + std::to_string(run));
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
    const uint64_t results = work_.points / mixed_metrics.size();
    for (uint64_t i = 0; i < results; ++i) {
      if (i % (results / parts) == 0) marks.push_back(mark());
      const uint64_t run = i % work_.runs, step = i / work_.runs;
      entries[0].value.as.int64 = static_cast<int64_t>(step + 1);
      const MixedReport::Values& values = reports_[(step + run * 977) % reports_.size()];
      for (size_t j = 0; j < values.size(); ++j) entries[j + 1].value = values[j];
      event.trial_id = tuner::text(ids[run]);
      event.trial_key = run + 1;
      event.time_ns = 1700000000000000000 + static_cast<int64_t>(step) * 812345678 +
                      static_cast<int64_t>(run) * 1000;
      refused_ += plugin.on_trial_result(event) != TUNER_OK ? 1 : 0;
    }
    if (marks.size() <= parts) marks.push_back(mark());
  }

  static Mark mark() {
    return {std::chrono::duration<double>(Clock::now().time_since_epoch()).count(),
            cpu_seconds(RUSAGE_SELF) - cpu_seconds(RUSAGE_THREAD)};
  }

  const Work& work_;
  const std::vector<MixedReport::Values>& reports_;
  uint64_t refused_ = 0;
};

struct Floor {
  double seconds = 0;
  double longest_sync = 0;
};

// The same number of journal bytes into one file, synced at the committer's pace.
Floor write_and_sync(uint64_t bytes) {
  const test::TempDir directory;
  const int fd = ::open((directory / "floor").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const std::vector<char> block(4 << 20, 'x');
  Floor floor;
  const auto begin = Clock::now();
  auto synced = begin;
  const auto sync = [&] {
    const auto called = Clock::now();
    ::fdatasync(fd);
    synced = Clock::now();
    floor.longest_sync = std::max(floor.longest_sync, seconds_since(called));
  };
  for (uint64_t done = 0; done < bytes; done += block.size()) {
    if (::write(fd, block.data(), block.size()) < 0) break;
    if (seconds_since(synced) >= 1) sync();
  }
  sync();
  ::close(fd);
  floor.seconds = seconds_since(begin);
  return floor;
}

void print_rates(const Report& report, const Work& work, const Outcome& outcome,
                 const Floor& floor) {
  const auto points = static_cast<double>(work.points);
  const std::string floor_name = "write+fdatasync of the journal";
  const double floor_rate = points / floor.seconds * 1e-6;
  const double committer = points / (outcome.cpu_seconds - outcome.host_seconds) * 1e-6;
  report.add("ingest, wall", points / outcome.seconds * 1e-6, "M points/s", floor_name, floor_rate);
  report.add("ingest, all threads on one core", points / outcome.cpu_seconds * 1e-6, "M points/s",
             floor_name, floor_rate);
  report.add("ingest, the committer's core", committer, "M points/s", floor_name, floor_rate);
  double wall = 0, core = 0;  // of the slowest part
  for (size_t i = 1; i < outcome.marks.size(); ++i) {
    const Mark &from = outcome.marks[i - 1], &to = outcome.marks[i];
    wall = std::max(wall, to.seconds - from.seconds);
    core = std::max(core, to.committer_seconds - from.committer_seconds);
  }
  const std::string slowest = ", slowest of ten parts";
  report.add("ingest, wall" + slowest, points / parts / wall * 1e-6, "M points/s", "all ten",
             points / outcome.seconds * 1e-6);
  report.add("ingest, the committer's core" + slowest, points / parts / core * 1e-6, "M points/s",
             "all ten", committer);
  report.add("ingest, the committer's core" + slowest, points / parts / core * 1e-6, "M points/s",
             floor_name, floor_rate);
}

void print(const Report& report, const Work& work, const Outcome& outcome) {
  const auto points = static_cast<double>(work.points);
  const double journal_bytes = points / mixed_metrics.size() * 264;
  const Floor floor = write_and_sync(static_cast<uint64_t>(journal_bytes));
  report.say("ingest, " + std::to_string(work.points) + " points of " + std::to_string(work.runs) +
             " runs, until destroy returned: " + std::to_string(outcome.seconds) + " s, " +
             std::to_string(outcome.lost) + " lost");
  print_rates(report, work, outcome, floor);
  report.add("ingest, waits for the committer", static_cast<double>(outcome.waits), "waits",
             "times the journal was filled",
             journal_bytes / static_cast<double>(outcome.journal_bytes));
  report.add("ingest, the longest wait", static_cast<double>(outcome.wait_ns_max) * 1e-6, "ms",
             "longest fdatasync beside it", floor.longest_sync * 1e3);
  const double repo = static_cast<double>(outcome.repo_bytes) / points;
  report.add("repo, bytes a point", repo, "bytes", "8 bytes of a double", 8);
  report.add("written by the store, bytes a point",
             static_cast<double>(outcome.written_bytes) / points, "bytes", "repo", repo);
  report.add("made dirty, the journal too, bytes a point",
             static_cast<double>(outcome.dirtied_bytes) / points, "bytes", "repo", repo);
  if (outcome.device_bytes > 0)
    report.add("written to the block device by all its writers, bytes a point",
               static_cast<double>(outcome.device_bytes) / points, "bytes", "repo", repo);
}

int run(const Options& options) {
  const Work work{options.given(0), options.number("--points", 100'000'000, 4'000'000),
                  options.number("--runs", 8, 8)};
  const auto reports = prepared_reports(1 << 16);
  const Outcome outcome = Ingest(work, reports).run();
  print(Report(options.json()), work, outcome);
  return outcome.lost == 0 ? 0 : 1;
}

}  // namespace
}  // namespace aimlog::bench

int main(int argc, char** argv) {
  using namespace aimlog::bench;
  return run_main(argc, argv, 1, usage, run);
}

// What on_trial_result costs the host's thread, call by call, while the committer is at work.
// Beside it, in turn, so that all meet the same machine: two floors, plugins that only write what
// they are given into a mapped file, one with a checksum (floor_plugin.cc), and the JSON-lines
// plugin. At full speed and
// paced at 1,000 results a second, which is slower: caches are cold then, and the kernel writes the
// journal's pages back meanwhile.
//
// usage: hook_bench AIMLOG_PLUGIN JSONL_PLUGIN FLOOR_PLUGIN CHECKING_FLOOR_PLUGIN [--quick]
// [--json]
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/latency.h"
#include "tests/bench/loaded_plugin.h"
#include "tests/bench/options.h"
#include "tests/bench/process_usage.h"
#include "tests/bench/report.h"
#include "tests/support/temp_dir.h"

namespace aimlog::bench {
namespace {

constexpr int64_t first_time_ns = 1700000000000000000;

struct Plan {
  explicit Plan(const Options& options)
      : aimlog(options.given(0)),
        jsonl(options.given(1)),
        floor(options.given(2)),
        checking_floor(options.given(3)),
        full_speed_calls(options.quick() ? 300'000 : 10'000'000),
        paced_calls(options.quick() ? 3'000 : 120'000),
        other_calls(options.quick() ? 20'000 : 200'000) {}

  std::string aimlog, jsonl, floor, checking_floor;
  uint64_t full_speed_calls, paced_calls, other_calls;
};

// A result of so many numbers: the iteration, and metrics in two nested maps as trainers have them.
class Tree {
 public:
  explicit Tree(size_t metrics, const std::string& prefix = "metric") {
    for (size_t i = 0; i + 1 < metrics; ++i)
      names_.push_back(prefix + "_" + std::to_string(i) + "_of_" + std::to_string(metrics));
  }

  const tuner_value& next() {
    ++step_;
    builder_.clear();
    builder_.add(tuner_string{"training_iteration", 18}, step_);
    const size_t half = names_.size() / 2;
    if (half > 0) builder_.begin_map(tuner_string{"train", 5});
    for (size_t i = 0; i < names_.size(); ++i) {
      if (half > 0 && i == half) {
        builder_.end();
        builder_.begin_map(tuner_string{"val", 3});
      }
      builder_.add(tuner::text(names_[i]),
                   1.0 / static_cast<double>(step_ + 3 + static_cast<int64_t>(i)));
    }
    if (half > 0) builder_.end();
    return builder_.root();
  }
  int64_t step() const { return step_; }

 private:
  std::vector<std::string> names_;
  tuner::ResultBuilder builder_;
  int64_t step_ = 0;
};

class Host {
 public:
  Host(const std::string& plugin, const std::string& config, const std::filesystem::path& directory)
      : plugin_(load_plugin(plugin, config, directory)) {
    event_.trial_id = {"trial_00001", 11};
    event_.trial_key = 1;
  }

  // The trial that reports next.
  void choose(const std::string& id, uint64_t key) {
    event_.trial_id = tuner::text(id);
    event_.trial_key = key;
  }
  void report(const tuner_value& result, int64_t step) {
    event_.time_ns = first_time_ns + step * 1000000;
    event_.result = &result;
    refused_ += plugin_.on_trial_result(event_) != TUNER_OK ? 1 : 0;
  }
  uint64_t journal_used() {
    auto stats = tuner::make<tuner_stats>();
    plugin_.get_stats(stats);
    return stats.journal_used_bytes;
  }
  uint64_t refused() const { return refused_; }

 private:
  tuner::Plugin plugin_;
  tuner_trial_result_event event_ = tuner::make<tuner_trial_result_event>();
  uint64_t refused_ = 0;
};

constexpr const char* aimlog_config = "repo: repo\non_full: block\n";

// Reports of twenty numbers to all three, in turn.
class Turns {
 public:
  explicit Turns(const Plan& plan)
      : floor_(plan.floor, "", directory_.path()),
        checking_floor_(plan.checking_floor, "", checking_directory_.path()),
        aimlog_(plan.aimlog, aimlog_config, directory_.path()),
        jsonl_(plan.jsonl, "path: lines.jsonl\n", directory_.path()) {
    for (int i = 0; i < 100; ++i) aimlog_.report(tree_.next(), tree_.step());
    const uint64_t before = aimlog_.journal_used();
    aimlog_.report(tree_.next(), tree_.step());
    const uint64_t used = aimlog_.journal_used();
    record_bytes_ = used > before ? used - before : 0;
  }

  // The JSON lines only now and then: they would take most of the time. Ours and the floors change
  // places each time, as the first one finds the colder caches.
  void turn(bool with_jsonl) {
    const tuner_value& result = tree_.next();
    for (int64_t i = 0; i < 3; ++i) {
      switch ((tree_.step() + i) % 3) {
        case 0:
          floor.measure([&] { floor_.report(result, tree_.step()); });
          break;
        case 1:
          measure_aimlog(result);
          break;
        default:
          checking_floor.measure([&] { checking_floor_.report(result, tree_.step()); });
      }
    }
    if (with_jsonl) jsonl.measure([&] { jsonl_.report(result, tree_.step()); });
  }

  uint64_t refused() const { return aimlog_.refused() + jsonl_.refused(); }
  uint64_t faults() const { return faults_; }
  uint64_t record_bytes() const { return record_bytes_; }

  Latencies floor, checking_floor, aimlog, jsonl;
  bool count_faults = false;

 private:
  void measure_aimlog(const tuner_value& result) {
    const uint64_t faults = page_faults();
    aimlog.measure([&] { aimlog_.report(result, tree_.step()); });
    faults_ += page_faults() - faults;
  }
  // Every look costs a system call, so only where calls are rare.
  uint64_t page_faults() const { return count_faults ? minor_faults() : 0; }

  test::TempDir directory_, checking_directory_;
  Host floor_, checking_floor_, aimlog_, jsonl_;
  Tree tree_{20};
  uint64_t faults_ = 0;
  uint64_t record_bytes_ = 0;
};

constexpr const char* floor_name = "a plugin that only copies it";
constexpr const char* checking_floor_name = "a plugin that copies it with a checksum";

void print(const Report& report, const std::string& pace, Turns& turns, double ns_per_tick) {
  report.say("on_trial_result, 20 numbers, " + pace + ": " + std::to_string(turns.aimlog.count()) +
             " calls of " + std::to_string(turns.record_bytes()) + " bytes in the journal, " +
             std::to_string(turns.refused()) + " refused; each time has " +
             std::to_string(static_cast<int>(static_cast<double>(clock_ticks()) * ns_per_tick)) +
             " ns of reading the clock in it");
  for (const auto& [label, part] : {std::pair{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}}) {
    const double ours = turns.aimlog.percentile(part, ns_per_tick);
    const std::string name = std::string("on_trial_result ") + label + ", " + pace;
    report.add(name, ours, "ns", floor_name, turns.floor.percentile(part, ns_per_tick));
    report.add(name, ours, "ns", checking_floor_name,
               turns.checking_floor.percentile(part, ns_per_tick));
    report.add(name, ours, "ns", "JSON-lines plugin", turns.jsonl.percentile(part, ns_per_tick));
  }
}

void full_speed(const Plan& plan, const Report& report, double ns_per_tick) {
  Turns turns(plan);
  const uint64_t faults = minor_faults();
  for (uint64_t i = 0; i < plan.full_speed_calls; ++i) turns.turn(i % 64 == 0);
  report.say("page faults of the host's thread: " + std::to_string(minor_faults() - faults));
  print(report, "full speed", turns, ns_per_tick);
}

void paced(const Plan& plan, const Report& report, double ns_per_tick) {
  Turns turns(plan);
  turns.count_faults = true;
  auto due = std::chrono::steady_clock::now();
  for (uint64_t i = 0; i < plan.paced_calls; ++i) {
    std::this_thread::sleep_until(due += std::chrono::milliseconds(1));
    turns.turn(i % 8 == 0);
  }
  report.say("page faults within the hook: " + std::to_string(turns.faults()));
  print(report, "1,000 results/s", turns, ns_per_tick);
}

// p50 by the number of metrics, and from it the fixed part and that of each metric.
void by_metrics(const Plan& plan, const Report& report, double ns_per_tick) {
  std::vector<std::pair<double, double>> costs;
  for (const size_t metrics : {1u, 5u, 20u, 100u, 1000u}) {
    const test::TempDir directory;
    Host host(plan.aimlog, aimlog_config, directory.path());
    Host floor_host(plan.floor, "", directory.path());
    Tree tree(metrics);
    Latencies ours, floor;
    for (uint64_t i = 0; i < plan.other_calls * 20 / (20 + metrics); ++i) {
      const tuner_value& result = tree.next();
      floor.measure([&] { floor_host.report(result, tree.step()); });
      ours.measure([&] { host.report(result, tree.step()); });
    }
    costs.emplace_back(static_cast<double>(metrics), ours.percentile(0.5, ns_per_tick));
    report.add("on_trial_result p50, " + std::to_string(metrics) + " metrics", costs.back().second,
               "ns", floor_name, floor.percentile(0.5, ns_per_tick));
  }
  const auto& [few, cheap] = costs[1];
  const auto& [many, dear] = costs[3];
  const double each = (dear - cheap) / (many - few);
  report.add("on_trial_result, each metric", each, "ns", "its fixed part", cheap - few * each);
}

// Many trials that report one after the other, beside one that reports alone.
void many_trials(const Plan& plan, const Report& report, double ns_per_tick) {
  constexpr uint64_t trials = 1000;
  const test::TempDir directory, other_directory;
  Host host(plan.aimlog, aimlog_config, directory.path());
  Host alone(plan.aimlog, aimlog_config, other_directory.path());
  std::vector<std::string> ids;
  for (uint64_t i = 0; i < trials; ++i) ids.push_back("trial_" + std::to_string(10000 + i));
  Tree tree(20);
  Latencies many, one;
  for (uint64_t i = 0; i < plan.other_calls; ++i) {
    const tuner_value& result = tree.next();
    const uint64_t chosen = i % trials;
    host.choose(ids[chosen], chosen + 1);
    many.measure([&] { host.report(result, tree.step()); });
    one.measure([&] { alone.report(result, tree.step()); });
  }
  report.add("on_trial_result p50, 1,000 trials in turn", many.percentile(0.5, ns_per_tick), "ns",
             "one trial", one.percentile(0.5, ns_per_tick));
}

// Shapes that were not there the call before.
void odd_shapes(const Plan& plan, const Report& report, double ns_per_tick) {
  const test::TempDir directory;
  Host host(plan.aimlog, aimlog_config, directory.path());
  Tree one(20, "one"), other(20, "other");
  Latencies first, known, changed, fresh;
  first.measure([&] { host.report(one.next(), 1); });
  for (uint64_t i = 0; i < plan.other_calls / 10; ++i) {
    host.report(one.next(), one.step());
    known.measure([&] { host.report(one.next(), one.step()); });
    changed.measure([&] { host.report(other.next(), other.step()); });
  }
  for (int i = 0; i < 1000; ++i) {
    Tree tree(20, "fresh" + std::to_string(i));
    const tuner_value& result = tree.next();
    fresh.measure([&] { host.report(result, tree.step()); });
  }
  const std::string reference = "the same shape again";
  const double usual = known.percentile(0.5, ns_per_tick);
  report.add("on_trial_result, the very first", first.percentile(0.5, ns_per_tick), "ns", reference,
             usual);
  report.add("on_trial_result p50, one of two shapes", changed.percentile(0.5, ns_per_tick), "ns",
             reference, usual);
  report.add("on_trial_result p50, keys never seen", fresh.percentile(0.5, ns_per_tick), "ns",
             reference, usual);
}

int run(const Options& options) {
  const Report report(options.json());
  const Plan plan(options);
  const double ns_per_tick = nanoseconds_per_tick();
  full_speed(plan, report, ns_per_tick);
  paced(plan, report, ns_per_tick);
  by_metrics(plan, report, ns_per_tick);
  many_trials(plan, report, ns_per_tick);
  odd_shapes(plan, report, ns_per_tick);
  return 0;
}

}  // namespace
}  // namespace aimlog::bench

int main(int argc, char** argv) {
  using namespace aimlog::bench;
  return run_main(
      argc, argv, 4,
      "AIMLOG_PLUGIN JSONL_PLUGIN FLOOR_PLUGIN CHECKING_FLOOR_PLUGIN [--quick] [--json]", run);
}

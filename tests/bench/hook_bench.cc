// What on_trial_result costs the host: 20 numbers a result, beside the floor (a memcpy of as many
// bytes into a mapped file) and beside the JSON-lines plugin, call by call in turn, so that all
// three meet the same machine. At full speed, and paced at 1,000 results a second.
//
// usage: hook_bench AIMLOG_PLUGIN JSONL_PLUGIN [--benchmark_format=json] [--benchmark_...]
#include <benchmark/benchmark.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include "abi/include/tuner_plugin.hpp"
#include "tests/bench/latency.h"
#include "tests/support/temp_dir.h"

namespace aimlog::bench {
namespace {

constexpr size_t file_bytes = size_t{8} << 20;  // as the journal's default
std::string aimlog_path, jsonl_path;

// A file that the process has mapped, written from the begin to the end and again.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path) {
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || posix_fallocate(fd, 0, file_bytes) != 0) throw std::runtime_error("no file");
    void* mapped = mmap(nullptr, file_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped == MAP_FAILED) throw std::runtime_error("mmap failed");
    data_ = static_cast<char*>(mapped);
    std::memset(data_, 1, file_bytes);
  }
  ~MappedFile() { munmap(data_, file_bytes); }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  void append(const char* bytes, size_t count) {
    if (at_ + count > file_bytes) at_ = 0;
    std::memcpy(data_ + at_, bytes, count);
    at_ += count;
    benchmark::ClobberMemory();
  }

 private:
  char* data_ = nullptr;
  size_t at_ = 0;
};

tuner::Plugin load(const std::string& path, const std::string& config,
                   const std::filesystem::path& directory) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(dlerror());
  const auto entry =
      reinterpret_cast<tuner_plugin_entry_fn>(dlsym(library, TUNER_PLUGIN_ENTRY_NAME));
  auto args = tuner::make<tuner_create_args>();
  const std::string base = directory.string();
  args.config_text = tuner::text(config);
  args.base_dir = tuner::text(base);
  return tuner::Plugin(entry, args, "hook_bench");
}

class Bench {
 public:
  Bench()
      : floor_(directory_ / "floor"),
        aimlog_(load(aimlog_path, "repo: repo\n", directory_.path())),
        jsonl_(load(jsonl_path, "path: lines.jsonl\n", directory_.path())) {
    event_ = tuner::make<tuner_trial_result_event>();
    event_.trial_id = {"trial_00001", 11};
    event_.trial_key = 1;
    for (int i = 0; i < 100; ++i) report_to(aimlog_, next());
    const uint64_t before = journal_used();
    report_to(aimlog_, next());
    const uint64_t used = journal_used();
    if (used > before) record_.assign(used - before, 'x');
  }

  void turn() {
    const tuner_trial_result_event& event = next();
    floor.measure([&] { floor_.append(record_.data(), record_.size()); });
    aimlog.measure([&] { report_to(aimlog_, event); });
    jsonl.measure([&] { report_to(jsonl_, event); });
  }

  uint64_t refused() const { return refused_; }
  size_t record_bytes() const { return record_.size(); }

  Latencies floor, aimlog, jsonl;

 private:
  const tuner_trial_result_event& next() {
    static constexpr tuner_string names[] = {{"accuracy", 8},    {"auc", 3},    {"f1", 2},
                                             {"precision", 9},   {"recall", 6}, {"loss", 4},
                                             {"perplexity", 10}, {"error", 5},  {"margin", 6}};
    ++step_;
    tree_.clear();
    tree_.add(tuner_string{"training_iteration", 18}, step_);
    tree_.add(tuner_string{"learning_rate", 13}, 0.1 / static_cast<double>(step_));
    for (const tuner_string part : {tuner_string{"train", 5}, tuner_string{"val", 3}}) {
      tree_.begin_map(part);
      for (const tuner_string& name : names) tree_.add(name, 1.0 / static_cast<double>(step_ + 3));
      tree_.end();
    }
    event_.time_ns = 1700000000000000000 + step_ * 1000000;
    event_.result = &tree_.root();
    return event_;
  }
  void report_to(tuner::Plugin& plugin, const tuner_trial_result_event& event) {
    refused_ += plugin.on_trial_result(event) != TUNER_OK ? 1 : 0;
  }
  uint64_t journal_used() {
    auto stats = tuner::make<tuner_stats>();
    aimlog_.get_stats(stats);
    return stats.journal_used_bytes;
  }

  test::TempDir directory_;
  MappedFile floor_;
  tuner::Plugin aimlog_, jsonl_;
  tuner::ResultBuilder tree_;
  tuner_trial_result_event event_;
  int64_t step_ = 0;
  uint64_t refused_ = 0;
  std::string record_ = std::string(256, 'x');  // as many bytes as a result has in the journal
};

void on_trial_result(benchmark::State& state) {
  const bool paced = state.range(0) != 0;
  const double ns_per_tick = nanoseconds_per_tick();
  const double clock_ns = static_cast<double>(clock_ticks()) * ns_per_tick;
  Bench bench;
  auto due = std::chrono::steady_clock::now();
  for (auto _ : state) {
    if (paced) std::this_thread::sleep_until(due += std::chrono::milliseconds(1));
    bench.turn();
  }
  const auto add = [&](const std::string& name, Latencies& latencies) {
    for (const auto& [label, part] : {std::pair{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}}) {
      state.counters[name + " " + label] = latencies.percentile(part, ns_per_tick);
    }
  };
  add("aimlog", bench.aimlog);
  add("floor", bench.floor);
  add("jsonl", bench.jsonl);
  state.counters["refused"] = static_cast<double>(bench.refused());
  state.counters["clock"] = clock_ns;
  state.counters["record bytes"] = static_cast<double>(bench.record_bytes());
}
BENCHMARK(on_trial_result)->ArgName("paced")->Arg(0)->UseRealTime();
BENCHMARK(on_trial_result)->ArgName("paced")->Arg(1)->Iterations(3000)->UseRealTime();

// One line a number, each beside its reference.
class RatioReporter : public benchmark::BenchmarkReporter {
 public:
  explicit RatioReporter(bool json) : json_(json) {}
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      const bool paced = run.run_name.args.find("paced:1") != std::string::npos;
      const std::string pace = paced ? "1,000 results/s" : "full speed";
      if (!json_) print_head(pace, run);
      for (const char* part : {"p50", "p99", "p99.9"}) {
        for (const char* reference : {"floor", "jsonl"}) print(run, pace, part, reference);
      }
    }
  }

 private:
  static double counter(const Run& run, const std::string& name) {
    const auto found = run.counters.find(name);
    return found == run.counters.end() ? 0 : found->second.value;
  }
  static void print_head(const std::string& pace, const Run& run) {
    std::printf("on_trial_result, 20 numbers, %s: %lld calls, %.0f refused, %.0f bytes each\n",
                pace.c_str(), static_cast<long long>(run.iterations), counter(run, "refused"),
                counter(run, "record bytes"));
    std::printf(
        "  each time includes %.0f ns of reading the clock; floor: the same bytes copied "
        "into a mapped file\n",
        counter(run, "clock"));
  }
  void print(const Run& run, const std::string& pace, const std::string& part,
             const std::string& reference) const {
    const double value = counter(run, "aimlog " + part);
    const double other = counter(run, reference + " " + part);
    const double ratio = other > 0 ? value / other : 0;
    const char* form = json_
                           ? "{\"name\":\"on_trial_result %s, %s\",\"value\":%.1f,\"unit\":\"ns\","
                             "\"reference\":\"%s\",\"reference_value\":%.1f,\"ratio\":%.4f}\n"
                           : "  %-6s %-16s %10.1f ns   %-6s %10.1f ns   ratio %.4f\n";
    std::printf(form, part.c_str(), pace.c_str(), value, reference.c_str(), other, ratio);
  }

  const bool json_;
};

}  // namespace
}  // namespace aimlog::bench

int main(int argc, char** argv) {
  using namespace aimlog::bench;
  if (argc < 3) {
    std::cerr << "usage: hook_bench AIMLOG_PLUGIN JSONL_PLUGIN [--benchmark_...]\n";
    return 2;
  }
  aimlog_path = argv[1];
  jsonl_path = argv[2];
  bool json = false;
  for (int i = 3; i < argc; ++i)
    json = json || std::strcmp(argv[i], "--benchmark_format=json") == 0;
  argc -= 2;
  argv += 2;
  benchmark::Initialize(&argc, argv);
  RatioReporter reporter(json);
  benchmark::RunSpecifiedBenchmarks(&reporter);
  return 0;
}

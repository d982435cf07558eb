// How fast one metric is read over all runs: its steps and values, checksums looked at. Per metric
// of the mixed report beside that block's decoder alone over the same bytes, and beside reading as
// many doubles from memory; all of it once more as Arrow batches, with run, time and epoch of each
// point, as Python gets them.
//
// usage: scan_bench [--quick] [--json] [--points N]
#include <sched.h>

#include <chrono>
#include <numeric>
#include <string>
#include <vector>

#include "plugin/base/crc32c.h"
#include "plugin/base/parallel.h"
#include "plugin/read/series_source.h"
#include "tests/bench/codec_words.h"
#include "tests/bench/options.h"
#include "tests/bench/report.h"
#include "tests/bench/scan_repo.h"
#include "tests/bench/stopwatch.h"

namespace aimlog::bench {
namespace {

// Something is done with each point, so that nothing is left out.
uint64_t scan(const ScanRepo& repo, SeriesKey key) {
  uint64_t sum = 0;
  const Transaction txn(*repo.environment());
  for (RunNumber run = 1; run <= ScanRepo::runs; ++run)
    each_chunk(txn, run, [&](const ChunkKey&, ByteView encoded) {
      const RowGroupReader reader(encoded);
      const auto column = reader.stored_column(key);
      const std::vector<int64_t> steps = reader.steps();
      sum += column->bits.back() + static_cast<uint64_t>(steps.back());
    });
  return sum;
}

// The blocks of a metric, copied out beforehand, through their decoder alone.
class Blocks {
 public:
  Blocks(const ScanRepo& repo, SeriesKey key) {
    const Transaction txn(*repo.environment());
    BlockEncoder encoder;
    for (RunNumber run = 1; run <= ScanRepo::runs; ++run)
      each_chunk(txn, run, [&](const ChunkKey&, ByteView encoded) {
        const RowGroupReader reader(encoded);
        const auto column = reader.stored_column(key);
        encoder.append(values_.emplace_back(), column->bits,
                       column->type == NumberType::float64 ? WordKind::real : WordKind::integer);
        const std::vector<int64_t> steps = reader.steps();
        encoder.append(steps_.emplace_back(), {steps.begin(), steps.end()}, WordKind::integer);
      });
  }
  uint64_t decode() const {
    uint64_t sum = 0;
    for (const Bytes& block : values_) sum += decode(block);
    return sum;
  }
  // What a scan cannot do without: checksums of the bytes, steps and values.
  uint64_t check_and_decode() const {
    uint64_t sum = 0;
    for (const auto* blocks : {&values_, &steps_})
      for (const Bytes& block : *blocks)
        sum += crc32c(0, block.data(), block.size()) + decode(block);
    return sum;
  }
  BlockCodec codec() const { return block_codec(values_.back()); }

 private:
  uint64_t decode(const Bytes& block) const {
    ByteReader in(block, "block");
    read_block(in, words_);
    return words_.back();
  }

  std::vector<Bytes> values_, steps_;
  mutable std::vector<uint64_t> words_ = std::vector<uint64_t>(group_rows);
};

uint64_t read_arrow(const ScanRepo& repo, const std::string& metric) {
  SeriesRequest request;
  request.metric = metric;
  uint64_t rows = 0;
  const auto source = series_source(repo.environment(), request);
  while (const auto batch = source->next()) rows += static_cast<uint64_t>(batch->length);
  return rows;
}

double memory_seconds(size_t points) {
  const std::vector<uint64_t> doubles(2 * points, 1);  // a step and a value each
  volatile uint64_t sum = 0;
  return best_seconds(3, [&] { sum = std::accumulate(doubles.begin(), doubles.end(), sum + 0); });
}

// Seconds over some metrics.
struct Times {
  double points = 0, scan = 0, decoders = 0, needed = 0, arrow = 0;

  void add(const Times& other) {
    points += other.points;
    scan += other.scan;
    decoders += other.decoders;
    needed += other.needed;
    arrow += other.arrow;
  }
  double rate(double seconds) const { return points / seconds * 1e-6; }
};

Times measure(const ScanRepo& repo, size_t metric, const Report& report) {
  volatile uint64_t sink = 0;
  const SeriesKey key = repo.key(metric);
  const Blocks blocks(repo, key);
  Times times;
  times.points = static_cast<double>(repo.points_per_metric());
  times.scan = best_seconds(3, [&] { sink = scan(repo, key); });
  times.decoders = best_seconds(3, [&] { sink = blocks.decode(); });
  times.needed = best_seconds(3, [&] { sink = blocks.check_and_decode(); });
  const std::string name(mixed_metrics[metric].name);
  times.arrow = best_seconds(2, [&] { sink = read_arrow(repo, name); });
  const std::string words(mixed_metrics[metric].words);
  report.add("scan of " + words + " (" + codec_words(blocks.codec()) + ")", times.rate(times.scan),
             "M points/s", "its decoder alone", times.rate(times.decoders));
  return times;
}

// Whole batches on all cores beside the same on one; with more than one core alone it says much.
void measure_cores(const ScanRepo& repo, const Report& report) {
  cpu_set_t all, one;
  ::sched_getaffinity(0, sizeof all, &all);
  CPU_ZERO(&one);
  CPU_SET(::sched_getcpu(), &one);
  const std::string name(mixed_metrics[0].name);
  double many = 1e9, single = 1e9;
  for (int i = 0; i < 5; ++i) {  // in turns
    many = std::min(many, best_seconds(1, [&] { read_arrow(repo, name); }));
    ::sched_setaffinity(0, sizeof one, &one);
    single = std::min(single, best_seconds(1, [&] { read_arrow(repo, name); }));
    ::sched_setaffinity(0, sizeof all, &all);
  }
  const auto points = static_cast<double>(repo.points_per_metric());
  report.add("Arrow batches of long runs, on " + std::to_string(usable_cores()) + " cores",
             points / many * 1e-6, "M points/s", "on one core", points / single * 1e-6);
}

void measure_all(const ScanRepo& repo, const Report& report) {
  const double memory = memory_seconds(repo.points_per_metric());
  Times all, noise;
  for (size_t i = 0; i < mixed_metrics.size(); ++i) {
    const Times times = measure(repo, i, report);
    all.add(times);
    if (mixed_metrics[i].kind == MetricKind::float64) noise.add(times);
  }
  const std::string unit = "M points/s", needed = "checksums and decoders of steps and values";
  report.add("scan, all twenty in turn", all.rate(all.scan), unit, "decoders alone",
             all.rate(all.decoders));
  report.add("scan, all twenty in turn", all.rate(all.scan), unit, needed, all.rate(all.needed));
  report.add("scan, all twenty in turn", all.rate(all.scan), unit,
             "summing 16 bytes a point from memory",
             static_cast<double>(repo.points_per_metric()) / memory * 1e-6);
  report.add("scan, the doubles of noise alone", noise.rate(noise.scan), unit, "all twenty in turn",
             all.rate(all.scan));
  report.add("scan, the doubles of noise alone", noise.rate(noise.scan), unit, needed,
             noise.rate(noise.needed));
  report.add("Arrow batches with run, time, epoch", all.rate(all.arrow), unit,
             "scan of steps and values", all.rate(all.scan));
  measure_cores(repo, report);
}

int run(const Options& options) {
  const ScanRepo repo(options.number("--points", 40'000'000, 4'000'000));
  measure_all(repo, Report(options.json()));
  return 0;
}

}  // namespace
}  // namespace aimlog::bench

int main(int argc, char** argv) {
  using namespace aimlog::bench;
  return run_main(argc, argv, 0, "[--quick] [--json] [--points N]", run);
}

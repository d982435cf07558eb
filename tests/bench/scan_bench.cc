// How fast one metric is read over all runs: its steps and values, checksums looked at. Per metric
// of the mixed report beside that block's decoder alone over the same bytes, and beside reading as
// many doubles from memory; all of it once more as Arrow batches, with run, time and epoch of each
// point, as Python gets them.
//
// usage: scan_bench [--quick] [--json] [--points N]
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "plugin/read/series_source.h"
#include "plugin/store/job_table.h"
#include "plugin/store/name_table.h"
#include "plugin/store/row_group.h"
#include "plugin/store/run_table.h"
#include "plugin/store/series_table.h"
#include "tests/bench/mixed_report.h"
#include "tests/bench/report.h"
#include "tests/support/temp_dir.h"

namespace aimlog::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t runs = 8;
constexpr uint32_t group_rows = 1024;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// The best of some tries: what the machine does beside only ever makes it slower.
template <typename Work>
double best_seconds(int tries, const Work& work) {
  double best = 1e9;
  for (int i = 0; i < tries; ++i) {
    const auto begin = Clock::now();
    work();
    best = std::min(best, seconds_since(begin));
  }
  return best;
}

class Repo {
 public:
  explicit Repo(size_t groups_per_run) : groups_(groups_per_run) {
    environment_ = Environment::open(directory_.path(), OpenMode::create);
    with_write_transaction(*environment_, [&](WriteTransaction& txn) {
      JobRow job;
      job.experiment = intern_experiment(txn, "bench", 1);
      job_ = add_job(txn, job);
      for (const MixedMetric& metric : mixed_metrics)
        names_.push_back(intern_name(txn, std::string(metric.name)));
    });
    for (size_t run = 0; run < runs; ++run)
      with_write_transaction(*environment_, [&](WriteTransaction& txn) { add_run(txn, run); });
  }

  const std::shared_ptr<Environment>& environment() const { return environment_; }
  SeriesKey key(size_t metric) const { return {names_[metric], 0}; }
  size_t points_per_metric() const { return runs * groups_ * group_rows; }
  std::filesystem::path data() const { return environment_->paths().data; }

 private:
  void add_run(WriteTransaction& txn, size_t seed) {
    RunRow row;
    row.job = job_;
    row.trial_id = "t" + std::to_string(seed);
    row.id = make_run_id({}, row.trial_id);
    row.attempts = 1;
    const RunNumber number = aimlog::add_run(txn, trial_key(row.trial_id), row);
    put_attempt(txn, number, 1, {});
    MixedReport report(seed + 1);
    SummaryMap summaries;
    for (size_t group = 0; group < groups_; ++group) {
      const RowGroup rows = make_group(report, group);
      for (const RowGroup::Column& column : rows.columns)
        summaries[column.key].add(rows.steps, column.values);
      put_chunk(txn, {number, 1, 1, rows.first_sequence}, encode_row_group(rows));
    }
    put_summaries(txn, number, 1, summaries);
  }

  RowGroup make_group(MixedReport& report, size_t group) const {
    RowGroup rows;
    rows.first_sequence = group * group_rows + 1;
    rows.last_sequence = (group + 1) * group_rows;
    for (const NameId name : names_) rows.columns.push_back({{name, 0}, {}});
    for (uint32_t i = 0; i < group_rows; ++i) {
      const auto& values = report.next();
      rows.steps.push_back(report.step());
      rows.times_ns.push_back(1700000000000000000 + report.step() * 812345678);
      rows.epochs.emplace_back();
      for (size_t j = 0; j < values.size(); ++j)
        rows.columns[j].values.push_back(
            {static_cast<NumberType>(values[j].tag), values[j].as.uint64});
    }
    return rows;
  }

  const size_t groups_;
  test::TempDir directory_;
  std::shared_ptr<Environment> environment_;
  JobNumber job_ = 0;
  std::vector<NameId> names_;
};

// Something is done with each point, so that nothing is left out.
uint64_t scan(const Repo& repo, SeriesKey key) {
  uint64_t sum = 0;
  const Transaction txn(*repo.environment());
  for (RunNumber run = 1; run <= runs; ++run)
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
  Blocks(const Repo& repo, SeriesKey key) {
    const Transaction txn(*repo.environment());
    BlockEncoder encoder;
    for (RunNumber run = 1; run <= runs; ++run)
      each_chunk(txn, run, [&](const ChunkKey&, ByteView encoded) {
        const auto column = RowGroupReader(encoded).stored_column(key);
        Bytes block;
        encoder.append(block, column->bits,
                       column->type == NumberType::float64 ? WordKind::real : WordKind::integer);
        bytes_ += block.size();
        blocks_.push_back(std::move(block));
      });
  }
  uint64_t decode() const {
    uint64_t sum = 0;
    std::vector<uint64_t> words(group_rows);
    for (const Bytes& block : blocks_) {
      ByteReader in(block, "block");
      read_block(in, words);
      sum += words.back();
    }
    return sum;
  }
  BlockCodec codec() const { return block_codec(blocks_.back()); }
  double bytes_per_value() const {
    return static_cast<double>(bytes_) / static_cast<double>(blocks_.size() * group_rows);
  }

 private:
  std::vector<Bytes> blocks_;
  size_t bytes_ = 0;
};

uint64_t read_arrow(const Repo& repo, const std::string& metric) {
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

void measure(const Repo& repo, const Report& report) {
  const auto points = static_cast<double>(repo.points_per_metric());
  const double memory = memory_seconds(repo.points_per_metric());
  double all = 0, decoders = 0, arrow = 0;
  volatile uint64_t sink = 0;
  for (size_t i = 0; i < mixed_metrics.size(); ++i) {
    const Blocks blocks(repo, repo.key(i));
    const double whole = best_seconds(3, [&] { sink = scan(repo, repo.key(i)); });
    const double decoder = best_seconds(3, [&] { sink = blocks.decode(); });
    const std::string name(mixed_metrics[i].name);
    arrow += best_seconds(2, [&] { sink = read_arrow(repo, name); });
    all += whole;
    decoders += decoder;
    report.add("scan " + name + ", codec " + std::to_string(static_cast<int>(blocks.codec())),
               points / whole * 1e-6, "M points/s", "its decoder alone", points / decoder * 1e-6);
  }
  const double total = points * mixed_metrics.size();
  report.add("scan, all twenty in turn", total / all * 1e-6, "M points/s", "decoders alone",
             total / decoders * 1e-6);
  report.add("scan, all twenty in turn", total / all * 1e-6, "M points/s",
             "summing 16 bytes a point from memory", points / memory * 1e-6);
  report.add("Arrow batches with run, time, epoch", total / arrow * 1e-6, "M points/s",
             "scan of steps and values", total / all * 1e-6);
}

}  // namespace
}  // namespace aimlog::bench

int main(int argc, char** argv) {
  using namespace aimlog::bench;
  bool json = false;
  size_t points = 40'000'000;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--json") json = true;
    if (word == "--quick") points = 4'000'000;
    if (word == "--points" && i + 1 < argc) points = std::stoull(argv[++i]);
  }
  const Repo repo(std::max<size_t>(1, points / (runs * group_rows * mixed_metrics.size())));
  measure(repo, Report(json));
  return 0;
}

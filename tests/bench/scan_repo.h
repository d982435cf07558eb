// A repo of long runs of the mixed report, written chunk by chunk without a plugin: quickly, and
// always the same.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "plugin/store/job_table.h"
#include "plugin/store/name_table.h"
#include "plugin/store/row_group.h"
#include "plugin/store/run_table.h"
#include "plugin/store/series_table.h"
#include "tests/bench/mixed_report.h"
#include "tests/support/temp_dir.h"

namespace aimlog::bench {

constexpr uint32_t group_rows = 1024;

class ScanRepo {
 public:
  static constexpr RunNumber runs = 8;  // 1 to 8

  // Of as many points as fit into whole groups of rows, at least one group a run.
  explicit ScanRepo(size_t points)
      : groups_(std::max<size_t>(1, points / (runs * group_rows * mixed_metrics.size()))) {
    environment_ = Environment::open(directory_.path(), OpenMode::create);
    with_write_transaction(*environment_, [&](WriteTransaction& txn) {
      JobRow job;
      job.experiment = intern_experiment(txn, "bench", 1);
      job_ = add_job(txn, job);
      for (const MixedMetric& metric : mixed_metrics)
        names_.push_back(intern_name(txn, std::string(metric.name)));
    });
    for (RunNumber run = 0; run < runs; ++run)
      with_write_transaction(*environment_, [&](WriteTransaction& txn) { add_run(txn, run); });
  }

  const std::shared_ptr<Environment>& environment() const { return environment_; }
  SeriesKey key(size_t metric) const { return {names_[metric], 0}; }
  size_t points_per_metric() const { return runs * groups_ * group_rows; }
  std::filesystem::path data() const { return RepoPaths(directory_.path()).data; }
  // What is mapped stays in memory.
  void close() { environment_.reset(); }
  void open() { environment_ = Environment::open(directory_.path(), OpenMode::read_write); }

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

}  // namespace aimlog::bench

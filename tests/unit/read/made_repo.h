// A repo with runs whose points are where the test wants them: in chunks or not yet.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "plugin/model/result_codec.h"
#include "plugin/model/value.h"
#include "plugin/store/job_table.h"
#include "plugin/store/name_table.h"
#include "plugin/store/row_group.h"
#include "plugin/store/run_table.h"
#include "plugin/store/run_view.h"
#include "plugin/store/tail_table.h"
#include "tests/support/temp_dir.h"

namespace aimlog::test {

inline Bytes encoded(const Value& value) {
  Bytes bytes;
  append_value(bytes, value);
  return bytes;
}

inline Value word(const char* text) { return Value{std::string(text)}; }

// One result with one metric.
struct MadePoint {
  uint32_t attempt = 1;
  JournalNumber journal = 1;
  uint64_t sequence = 0;
  int64_t step = 0;
  Number value;
  Number epoch = {};
};

class MadeRepo {
 public:
  MadeRepo() {
    with_write_transaction(*environment, [&](WriteTransaction& txn) {
      JobRow job;
      job.experiment = intern_experiment(txn, "search", 1);
      job.token = {1};
      job.host_job_id = "job-1";
      job.tags = {"a", "b"};
      job_ = add_job(txn, job);
    });
  }

  RunNumber add(const std::string& trial, uint32_t attempts, const ValueMap& params = {},
                TrialStatus status = TrialStatus::completed) {
    RunNumber number = 0;
    with_write_transaction(*environment, [&](WriteTransaction& txn) {
      RunRow row;
      row.job = job_;
      row.id = make_run_id({1}, trial);
      row.trial_id = trial;
      row.status = status;
      row.created_ns = 1000;
      row.attempts = attempts;
      number = add_run(txn, trial_key(trial), row);
      for (uint32_t a = 1; a <= attempts; ++a) {
        AttemptRow attempt;
        attempt.started_ns = 1000 + a;
        put_attempt(txn, number, a, attempt);
      }
      if (!params.empty()) add_params(txn, number, {5, 1, encoded(Value{params}), {}});
    });
    return number;
  }

  // As one value of unsealed rows a journal.
  void put_unsealed(RunNumber run, const std::string& metric, const std::vector<MadePoint>& points,
                    const Bytes& context = {}) {
    with_write_transaction(*environment, [&](WriteTransaction& txn) {
      ShapeRow shape;
      shape.names = {intern_name(txn, metric)};
      shape.context = context.empty() ? 0 : intern_context(txn, context);
      shape.hash = trial_key(metric + context);
      const ShapeNumber number = put_shape(txn, shape);
      const Bytes null_value = encoded(Value{});
      std::map<JournalNumber, Bytes> tails;
      for (const MadePoint& point : points) {
        ResultView view;
        view.step = point.step;
        view.time_ns = point.step * 10 + 1;
        view.epoch = point.epoch;
        view.numbers = {point.value};
        view.objects = {point.value.exists() ? ByteView() : ByteView(null_value)};
        append_tail_row(tails[point.journal],
                        {run, point.attempt, point.sequence, number, encode_result(view)});
      }
      ZstdCompressor zstd;
      for (const auto& [journal, rows] : tails) put_tail(txn, journal, ++tail_count_, rows, zstd);
    });
  }

  // As a chunk for each stretch of one attempt and journal, and sealed.
  void put_sealed(RunNumber run, const std::string& metric, const std::vector<MadePoint>& points,
                  const Bytes& context = {}) {
    for (auto begin = points.begin(); begin != points.end();) {
      const auto end = std::find_if(begin, points.end(), [&](const MadePoint& each) {
        return each.attempt != begin->attempt || each.journal != begin->journal;
      });
      put_chunk_of(run, metric, {begin, end}, context);
      begin = end;
    }
  }

  std::shared_ptr<Environment> open() const { return environment; }

  TempDir directory;
  std::shared_ptr<Environment> environment = Environment::open(directory.path(), OpenMode::create);

 private:
  void put_chunk_of(RunNumber run, const std::string& metric, const std::vector<MadePoint>& points,
                    const Bytes& context) {
    with_write_transaction(*environment, [&](WriteTransaction& txn) {
      const SeriesKey key{intern_name(txn, metric),
                          context.empty() ? 0 : intern_context(txn, context)};
      const MadePoint& first = points.front();
      RowGroup group;
      group.first_sequence = first.sequence;
      group.last_sequence = points.back().sequence;
      group.columns.push_back({key, {}});
      SummaryMap summaries = get_summaries(txn, run, first.attempt);
      for (const MadePoint& point : points) {
        group.steps.push_back(point.step);
        group.times_ns.push_back(point.step * 10 + 1);
        group.epochs.push_back(point.epoch);
        group.columns[0].values.push_back(point.value);
        if (point.value.exists()) summaries[key].add(point.step, point.value);
      }
      put_chunk(txn, {run, first.attempt, first.journal, first.sequence}, encode_row_group(group));
      put_summaries(txn, run, first.attempt, summaries);
      put_seal(txn, first.journal, run, points.back().sequence);
    });
  }

  JobNumber job_ = 0;
  uint64_t tail_count_ = 0;
};

}  // namespace aimlog::test

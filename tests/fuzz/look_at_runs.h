// A repo looked at as people would, whatever was written into it.
#pragma once

#include "plugin/model/value.h"
#include "plugin/store/name_table.h"
#include "plugin/store/run_table.h"
#include "plugin/store/run_view.h"
#include "tests/fuzz/expect.h"

namespace aimlog::test {

// What is kept beside the points says what they say.
inline void check_series(const std::vector<Point>& all, const SeriesSummary& summary) {
  SeriesSummary computed;
  const std::vector<Point> shown = planted ? all : default_view(all);
  for (const Point& point : shown) computed.add(point.step, point.value);
  const bool counts = computed.count == summary.count && computed.nan_count == summary.nan_count &&
                      computed.infinite_count == summary.infinite_count;
  expect(counts, "a summary's counts are those of its points");
  const bool ends = computed.first == summary.first && computed.last == summary.last &&
                    computed.first_step == summary.first_step &&
                    computed.last_step == summary.last_step;
  expect(ends, "a summary's first and last are those of its points");
  const bool extremes = computed.min == summary.min && computed.max == summary.max &&
                        computed.min_step == summary.min_step &&
                        computed.max_step == summary.max_step;
  expect(extremes, "a summary's extremes are those of its points");
}

// What people see of all runs: everything can be read, and the parts agree.
inline void look_at_runs(const Transaction& txn) {
  const Tails tails(txn);
  each_run(txn, [&](RunNumber run, const RunRow& row) {
    for (uint32_t attempt = 1; attempt <= row.attempts; ++attempt) {
      expect(get_attempt(txn, run, attempt).has_value(), "a run has all its attempts");
      read_result_count(txn, tails, run, attempt);
    }
    for (const ParamsRow& params : get_params_history(txn, run))
      if (!params.params.empty()) decode_value(params.params);
    for (const auto& [key, object] : read_objects(txn, tails, run)) {
      get_name(txn, key.name);
      decode_value(object.last_value);
    }
    for (const auto& [key, summary] : read_summaries(txn, tails, run))
      check_series(read_all_points(txn, tails, run, key), summary);
  });
}

}  // namespace aimlog::test

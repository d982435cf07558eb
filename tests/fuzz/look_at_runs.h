// A repo looked at as people would, whatever was written into it.
#pragma once

#include <cstdlib>

#include "plugin/model/value.h"
#include "plugin/store/name_table.h"
#include "plugin/store/run_table.h"
#include "plugin/store/run_view.h"

namespace aimlog::test {

inline void expect(bool holds) {
  if (!holds) std::abort();
}

// What is kept beside the points says what they say.
inline void check_series(const std::vector<Point>& all, const SeriesSummary& summary) {
  SeriesSummary computed;
  for (const Point& point : default_view(all)) computed.add(point.step, point.value);
  expect(computed.count == summary.count && computed.nan_count == summary.nan_count);
  expect(computed.infinite_count == summary.infinite_count);
  expect(computed.first == summary.first && computed.last == summary.last);
  expect(computed.min == summary.min && computed.max == summary.max);
  expect(computed.min_step == summary.min_step && computed.max_step == summary.max_step);
  expect(computed.first_step == summary.first_step && computed.last_step == summary.last_step);
}

// What people see of all runs: everything can be read, and the parts agree.
inline void look_at_runs(const Transaction& txn) {
  const Tails tails(txn);
  each_run(txn, [&](RunNumber run, const RunRow& row) {
    for (uint32_t attempt = 1; attempt <= row.attempts; ++attempt) {
      expect(get_attempt(txn, run, attempt).has_value());
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

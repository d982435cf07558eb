#include "plugin/store/series_table.h"

#include <cmath>
#include <limits>

#include "plugin/store/table_access.h"

namespace aimlog {
namespace {

// Two-sum: what rounding took from high + value goes into low, exactly.
void add_compensated(double& high, double& low, double value) {
  const double sum = high + value;
  if (std::isfinite(sum)) {
    const double part = sum - high;
    low += (high - (sum - part)) + (value - part);
  } else {
    low = 0;  // the sum of finite values is beyond a double
  }
  high = sum;
}

}  // namespace

void SeriesSummary::add(int64_t step, Number value) {
  SeriesSummary point;
  point.count = 1;
  point.first = point.last = value;
  point.first_step = point.last_step = step;
  if (value.is_nan()) {
    point.nan_count = 1;
  } else {
    point.min = point.max = value;
    point.min_step = point.max_step = step;
    if (value.is_infinite()) {
      point.infinite_count = 1;
    } else {
      point.finite_sum = value.as_double();
    }
  }
  append(point);
}

void SeriesSummary::append(const SeriesSummary& later) {
  if (later.count == 0) return;
  if (count == 0) {
    *this = later;
    return;
  }
  // Ties keep the earlier step.
  if (!min.exists() || compare(later.min, min) == std::partial_ordering::less) {
    min = later.min;
    min_step = later.min_step;
  }
  if (!max.exists() || compare(later.max, max) == std::partial_ordering::greater) {
    max = later.max;
    max_step = later.max_step;
  }
  steps_rise = steps_rise && later.steps_rise && later.first_step > last_step;
  last = later.last;
  last_step = later.last_step;
  count += later.count;
  nan_count += later.nan_count;
  infinite_count += later.infinite_count;
  add_compensated(finite_sum, finite_sum_low, later.finite_sum);
  finite_sum_low += later.finite_sum_low;
}

double SeriesSummary::mean() const {
  const uint64_t finite = count - nan_count - infinite_count;
  if (finite == 0) return std::numeric_limits<double>::quiet_NaN();
  return (finite_sum + finite_sum_low) / static_cast<double>(finite);
}

void put_summaries(WriteTransaction& txn, RunNumber run, uint32_t attempt,
                   const SummaryMap& summaries) {
  txn.put(Table::series, Key().add(run).add(attempt), encode_row(summaries));
}

SummaryMap get_summaries(const Transaction& txn, RunNumber run, uint32_t attempt) {
  const auto row = txn.get(Table::series, Key().add(run).add(attempt));
  return row ? decode_row<SummaryMap>(*row) : SummaryMap();
}

void put_objects(WriteTransaction& txn, RunNumber run,
                 const std::map<SeriesKey, ObjectRow>& objects) {
  txn.put(Table::objects, Key().add(run), encode_row(objects));
}

std::map<SeriesKey, ObjectRow> get_objects(const Transaction& txn, RunNumber run) {
  const auto row = txn.get(Table::objects, Key().add(run));
  return row ? decode_row<ObjectMap>(*row) : ObjectMap();
}

}  // namespace aimlog

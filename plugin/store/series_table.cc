#include "plugin/store/series_table.h"

#include <bit>
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

double real_of(Number number) { return std::bit_cast<double>(number.bits); }

bool is_finite_double(Number number) {
  return number.type == NumberType::float64 && std::isfinite(real_of(number));
}

bool is_below(Number a, Number b) {
  if (a.type == NumberType::float64 && b.type == NumberType::float64)
    return std::bit_cast<double>(a.bits) < std::bit_cast<double>(b.bits);
  return compare(a, b) == std::partial_ordering::less;
}

}  // namespace

void SeriesSummary::add(int64_t step, Number value) {
  const bool is_first = count == 0;
  if (is_first) {
    first = value;
    first_step = step;
  } else {
    steps_rise = steps_rise && step > last_step;
  }
  ++count;
  last = value;
  last_step = step;
  const double real = value.as_double();
  if (std::isnan(real)) {
    ++nan_count;
    return;
  }
  // Ties keep the earlier step.
  if (!min.exists() || is_below(value, min)) {
    min = value;
    min_step = step;
  }
  if (!max.exists() || is_below(max, value)) {
    max = value;
    max_step = step;
  }
  if (std::isinf(real)) {
    ++infinite_count;
  } else if (is_first) {
    finite_sum = real;
  } else {
    add_compensated(finite_sum, finite_sum_low, real);
  }
}

// Doubles without NaN and infinities, in registers: nearly all columns are only these, and a point
// through memory costs five times as much. Stops in front of the first other value.
size_t SeriesSummary::add_finite(const std::vector<int64_t>& steps,
                                 const std::vector<Number>& values, size_t from) {
  double low = real_of(min), high = real_of(max);
  double sum = finite_sum, rest = finite_sum_low;
  bool rise = steps_rise;
  int64_t step = last_step, step_of_low = min_step, step_of_high = max_step;
  size_t i = from;
  for (; i < values.size() && values[i].type == NumberType::float64; ++i) {
    const auto real = std::bit_cast<double>(values[i].bits);
    if (!std::isfinite(real)) break;
    rise = rise && steps[i] > step;
    step = steps[i];
    if (real < low) {
      low = real;
      step_of_low = step;
    }
    if (real > high) {
      high = real;
      step_of_high = step;
    }
    add_compensated(sum, rest, real);
  }
  if (i == from) return i;
  min = Number::of(low);
  max = Number::of(high);
  min_step = step_of_low;
  max_step = step_of_high;
  last = values[i - 1];
  last_step = step;
  finite_sum = sum;
  finite_sum_low = rest;
  steps_rise = rise;
  count += i - from;
  return i;
}

void SeriesSummary::add(const std::vector<int64_t>& steps, const std::vector<Number>& values) {
  for (size_t i = 0; i < values.size();) {
    if (is_finite_double(min) && is_finite_double(max)) i = add_finite(steps, values, i);
    if (i == values.size()) return;
    if (values[i].exists()) add(steps[i], values[i]);
    ++i;
  }
}

void SeriesSummary::append(const SeriesSummary& later) {
  if (later.count == 0) return;
  if (count == 0) {
    *this = later;
    return;
  }
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

std::optional<SummaryMap> find_summaries(const Transaction& txn, RunNumber run, uint32_t attempt) {
  const auto row = txn.get(Table::series, Key().add(run).add(attempt));
  if (!row) return std::nullopt;
  return decode_row<SummaryMap>(*row);
}

SummaryMap get_summaries(const Transaction& txn, RunNumber run, uint32_t attempt) {
  return find_summaries(txn, run, attempt).value_or(SummaryMap());
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

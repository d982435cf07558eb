#include "cli/aim/series_head.h"

namespace aimlog::aim {
namespace {

bool is_real(const Number& number) { return number.type == NumberType::float64; }

// As Python compares: an integer with a float by value, NaN with nothing.
bool is_above(const Number& a, const Number& b) { return compare(a, b) > 0; }

}  // namespace

void SeriesHead::add(const AimPoint& point) {
  const char* type = is_real(point.value) ? "float" : "int";
  if (!dtype.empty() && dtype != type && dtype != "number") {
    dtype = "number";
    dtypes.insert(dtype);
  }
  if (next_step_ == 0) {
    dtype = type;
    dtypes.insert(dtype);
    first = point.value;
    first_step = point.step;
  }
  if (point.step >= next_step_) {
    last = point.value;
    last_step = point.step;
    next_step_ = point.step == INT64_MAX ? point.step : point.step + 1;
  }
  const Number lowest = Number::of(-HUGE_VAL), highest = Number::of(HUGE_VAL);
  if (is_above(point.value, max.exists() ? max : lowest)) max = point.value;
  if (is_above(min.exists() ? min : highest, point.value)) min = point.value;
}

SeriesHead head_of(const std::vector<AimPoint>& points) {
  SeriesHead head;
  for (const AimPoint& point : points) head.add(point);
  return head;
}

}  // namespace aimlog::aim

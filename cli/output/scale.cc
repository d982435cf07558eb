#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "cli/output/plot.h"

namespace aimlog::cli {
namespace {

// The least of 1, 2, 5 times a power of ten that is not below `rough`.
double round_step(double rough) {
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= rough * (1 - 1e-12)) return factor * power;
  return 10 * power;
}

// Least and greatest finite value; false if there is none.
template <typename Get>
bool finite_range(const Plot& plot, Get get, double& low, double& high) {
  bool any = false;
  for (const PlotLine& line : plot.lines) {
    for (const PlotPoint& point : line.points) {
      const double value = get(point);
      if (!std::isfinite(value)) continue;
      low = any ? std::min(low, value) : value;
      high = any ? std::max(high, value) : value;
      any = true;
    }
  }
  return any;
}

}  // namespace

double Scale::place(double value) const {
  const double span = high / 2 - low / 2;
  return span > 0 ? (value / 2 - low / 2) / span : 0.5;
}

std::string tick_text(double value) {
  char text[40];
  snprintf(text, sizeof text, "%.6g", value == 0 ? 0.0 : value);  // no "-0"
  return text;
}

Scale make_scale(double low, double high, size_t ticks_wanted) {
  if (!(low < high)) {
    constexpr double greatest = std::numeric_limits<double>::max();
    const double margin = low == 0 ? 1 : std::abs(low) * 0.1;
    low = std::max(low - margin, -greatest);
    high = std::min(high + margin, greatest);
  }
  Scale scale{low, high, {}};
  const double span = high / 2 - low / 2;
  const double step =
      round_step(2 * (span / static_cast<double>(std::max<size_t>(ticks_wanted, 1))));
  if (!std::isfinite(step) || step <= 0 || !std::isfinite(low) || !std::isfinite(high)) {
    scale.ticks = {low, high};
    return scale;
  }
  const double first = std::floor(low / step), last = std::ceil(high / step);
  for (double i = first; i <= last && scale.ticks.size() < 50; ++i) {
    const double tick = i * step;
    if (std::isfinite(tick)) scale.ticks.push_back(std::abs(tick) < step * 1e-9 ? 0 : tick);
  }
  if (scale.ticks.empty()) scale.ticks = {low, high};
  scale.low = std::min(low, scale.ticks.front());
  scale.high = std::max(high, scale.ticks.back());
  return scale;
}

Scale x_scale(const Plot& plot, size_t ticks_wanted) {
  double low = 0, high = 1;
  finite_range(
      plot, [](const PlotPoint& p) { return p.x; }, low, high);
  Scale scale = make_scale(low, high, ticks_wanted);
  if (low < high) {
    scale.low = low;
    scale.high = high;
    std::erase_if(scale.ticks, [&](double tick) { return tick < low || tick > high; });
    if (scale.ticks.size() < 2) scale.ticks = {low, high};
  }
  return scale;
}

Scale y_scale(const Plot& plot, size_t ticks_wanted) {
  double low = 0, high = 1;
  finite_range(
      plot, [](const PlotPoint& p) { return p.y; }, low, high);
  return make_scale(low, high, ticks_wanted);
}

size_t thin_out(std::vector<PlotPoint>& points, size_t buckets, const Scale& x) {
  if (points.size() <= buckets * 4) return points.size();
  std::vector<PlotPoint> kept;
  for (size_t begin = 0; begin < points.size();) {
    const auto bucket_of = [&](const PlotPoint& p) {
      return static_cast<size_t>(std::clamp(x.place(p.x), 0.0, 1.0) *
                                 static_cast<double>(buckets - 1));
    };
    const size_t bucket = bucket_of(points[begin]);
    size_t end = begin, least = begin, greatest = begin;
    size_t nan = points.size(), above = nan, below = nan;
    bool any_finite = false;
    for (; end < points.size() && bucket_of(points[end]) == bucket; ++end) {
      const double y = points[end].y;
      if (std::isnan(y))
        nan = end;
      else if (std::isinf(y))
        (y > 0 ? above : below) = end;
      else {
        if (!any_finite || y < points[least].y) least = end;
        if (!any_finite || y > points[greatest].y) greatest = end;
        any_finite = true;
      }
    }
    std::vector<size_t> chosen = {begin, least, greatest, nan, above, below, end - 1};
    std::erase(chosen, points.size());
    std::sort(chosen.begin(), chosen.end());
    chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
    for (const size_t index : chosen) kept.push_back(points[index]);
    begin = end;
  }
  points = std::move(kept);
  return points.size();
}

}  // namespace aimlog::cli

// What Aim keeps of a series beside its points.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/aim/run.h"

namespace aimlog::aim {

// As Aim's tracker makes it, point after point, with its ways: `last` moves only to a step above
// all earlier ones, and `first` stays open as long as all steps were negative.
struct SeriesHead {
  std::string dtype;
  std::set<std::string> dtypes;  // every one it ever had
  Number first, last, min, max;
  std::optional<int64_t> first_step, last_step;

  void add(const AimPoint& point);

 private:
  int64_t next_step_ = 0;
};

SeriesHead head_of(const std::vector<AimPoint>& points);

}  // namespace aimlog::aim

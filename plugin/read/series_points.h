// Points of series side by side, column by column.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "plugin/read/arrow_column.h"
#include "plugin/read/series_plan.h"

namespace aimlog {

class SeriesPoints {
 public:
  // `type`: of all values; `exact`: keep the numbers that it does not hold exactly, as text.
  SeriesPoints(NumberType type, bool exact) : type_(type), exact_(exact) {}

  size_t size() const { return steps_.size(); }
  void reserve(size_t points);
  void add(const RowGroupReader& chunk, const PlannedSeries& series, uint32_t attempt);
  void add(const Point& point, const PlannedSeries& series);
  // Of the points from `begin` on, one series in order: leaves the default view of them.
  void keep_default_view(size_t begin);

  // Without rows it is the schema.
  ArrowColumn take(std::shared_ptr<const ArrowColumn> run_ids,
                   std::shared_ptr<const ArrowColumn> contexts);

 private:
  void add_value(Number value);
  void repeat(const PlannedSeries& series, uint32_t attempt, size_t count);
  ArrowBits epochs_there() const;

  NumberType type_;
  bool exact_;
  std::vector<int32_t> runs_, contexts_;
  std::vector<uint32_t> attempts_;
  std::vector<int64_t> steps_, times_ns_;
  std::vector<uint64_t> bits_;
  std::vector<double> epochs_;      // NaN also where there is none
  std::vector<uint8_t> has_epoch_;  // 0 or 1
  std::vector<std::string> exact_texts_;
};

}  // namespace aimlog

// Points of series side by side, column by column.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "plugin/read/arrow_column.h"
#include "plugin/read/series_plan.h"

namespace aimlog {

// Every point has its place from the beginning: several threads may put points at once, each at
// places of its own.
class SeriesPoints {
 public:
  // `type`: of all values; `exact`: keep the numbers that it does not hold exactly, as text.
  // Without points it is the schema.
  SeriesPoints(NumberType type, bool exact, size_t points);

  size_t size() const { return steps_.size(); }

  // All points that a chunk has of the series, `count` of them, to the places from `at` on. Throws
  // Error(corrupt) if it does not have so many.
  void put(size_t at, uint32_t count, const RowGroupReader& chunk, const PlannedSeries& series,
           uint32_t attempt);
  void put(size_t at, const Point& point, const PlannedSeries& series);

  // Leaves the default view of each series; they begin at `begins`, the last of which is the end.
  void keep_default_views(const std::vector<size_t>& begins);

  ArrowColumn take(std::shared_ptr<const ArrowColumn> run_ids,
                   std::shared_ptr<const ArrowColumn> contexts);

 private:
  void put_value(size_t at, Number value);
  void put_epochs(size_t at, const RowGroupReader& chunk, const NumberColumn& column);
  void repeat(size_t at, size_t count, const PlannedSeries& series, uint32_t attempt);
  template <typename Change>
  void each_column(const Change& change);
  ArrowBits epochs_there() const;

  NumberType type_;
  bool exact_;
  RawVector<int32_t> runs_, contexts_;
  RawVector<uint32_t> attempts_;
  RawVector<int64_t> steps_, times_ns_;
  RawVector<uint64_t> bits_;
  RawVector<double> epochs_;      // NaN also where there is none
  RawVector<uint8_t> has_epoch_;  // 0 or 1
  std::vector<std::string> exact_texts_;
};

}  // namespace aimlog

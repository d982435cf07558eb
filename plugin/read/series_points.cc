#include "plugin/read/series_points.h"

#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "plugin/read/typed_column.h"

namespace aimlog {
namespace {

template <typename T>
void gather(std::vector<T>& column, size_t begin, const std::vector<size_t>& places) {
  if (column.empty()) return;
  std::vector<T> chosen;
  chosen.reserve(places.size());
  for (const size_t place : places) chosen.push_back(std::move(column[place]));
  std::move(chosen.begin(), chosen.end(), column.begin() + static_cast<ptrdiff_t>(begin));
  column.resize(begin + places.size());
}

// Room for a whole column. Where that is large, in large pages: half of the time of reading would
// be spent on faults of small ones.
template <typename T>
void reserve_large(std::vector<T>& column, size_t count) {
  constexpr size_t large = size_t{4} << 20;
  constexpr uintptr_t page = 4096;
  column.reserve(count);
  if (count * sizeof(T) < large) return;
  const auto begin = (reinterpret_cast<uintptr_t>(column.data()) + page - 1) / page * page;
  const auto end = reinterpret_cast<uintptr_t>(column.data() + count) / page * page;
  ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);  // a wish, no more
}

}  // namespace

void SeriesPoints::reserve(size_t points) {
  reserve_large(runs_, points);
  reserve_large(contexts_, points);
  reserve_large(attempts_, points);
  reserve_large(steps_, points);
  reserve_large(times_ns_, points);
  reserve_large(bits_, points);
  reserve_large(epochs_, points);
  reserve_large(has_epoch_, points);
}

void SeriesPoints::repeat(const PlannedSeries& series, uint32_t attempt, size_t count) {
  runs_.insert(runs_.end(), count, series.run);
  contexts_.insert(contexts_.end(), count, series.context);
  attempts_.insert(attempts_.end(), count, attempt);
}

void SeriesPoints::add_value(Number value) {
  bits_.push_back(convert_bits(value, type_));
  if (!exact_) return;
  const Number stored{type_, bits_.back()};
  const bool same = value.is_nan() || compare(stored, value) == std::partial_ordering::equivalent;
  exact_texts_.push_back(same ? std::string() : to_text(value));
}

void SeriesPoints::add(const RowGroupReader& chunk, const PlannedSeries& series, uint32_t attempt) {
  const auto column = chunk.stored_column(series.key);
  if (!column || column->count() == 0) return;
  const uint32_t count = column->count();
  const std::vector<int64_t> steps = chunk.steps(), times = chunk.times_ns();
  const NumberColumn epochs = chunk.stored_epochs();
  repeat(series, attempt, count);
  if (column->places.empty()) {
    steps_.insert(steps_.end(), steps.begin(), steps.end());
    times_ns_.insert(times_ns_.end(), times.begin(), times.end());
  } else {
    for (const uint32_t place : column->places) {
      steps_.push_back(steps[place]);
      times_ns_.push_back(times[place]);
    }
  }
  if (column->type == type_) {
    bits_.insert(bits_.end(), column->bits.begin(), column->bits.end());
    if (exact_) exact_texts_.resize(bits_.size());
  } else {
    for (uint32_t i = 0; i < count; ++i) add_value({column->type_of(i), column->bits[i]});
  }
  if (epochs.count() == 0) {
    epochs_.insert(epochs_.end(), count, std::nan(""));
    has_epoch_.insert(has_epoch_.end(), count, 0);
    return;
  }
  std::vector<double> by_row(chunk.rows(), std::nan(""));
  std::vector<uint8_t> there(chunk.rows(), 0);
  for (uint32_t i = 0; i < epochs.count(); ++i) {
    by_row[epochs.place(i)] = Number{epochs.type_of(i), epochs.bits[i]}.as_double();
    there[epochs.place(i)] = 1;
  }
  for (uint32_t i = 0; i < count; ++i) {
    epochs_.push_back(by_row[column->place(i)]);
    has_epoch_.push_back(there[column->place(i)]);
  }
}

void SeriesPoints::add(const Point& point, const PlannedSeries& series) {
  repeat(series, point.attempt, 1);
  steps_.push_back(point.step);
  times_ns_.push_back(point.time_ns);
  epochs_.push_back(point.epoch.as_double());
  has_epoch_.push_back(point.epoch.exists() ? 1 : 0);
  add_value(point.value);
}

void SeriesPoints::keep_default_view(size_t begin) {
  const auto first = steps_.begin() + static_cast<ptrdiff_t>(begin);
  if (std::adjacent_find(first, steps_.end(), std::greater_equal<>()) == steps_.end()) return;
  std::vector<size_t> order(size() - begin);
  std::iota(order.begin(), order.end(), begin);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return steps_[a] < steps_[b]; });
  // Of the points of one step the last in order counts: it is the newest attempt's latest.
  size_t kept = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    if (i + 1 == order.size() || steps_[order[i + 1]] != steps_[order[i]]) order[kept++] = order[i];
  }
  order.resize(kept);
  gather(runs_, begin, order);
  gather(contexts_, begin, order);
  gather(attempts_, begin, order);
  gather(times_ns_, begin, order);
  gather(bits_, begin, order);
  gather(epochs_, begin, order);
  gather(has_epoch_, begin, order);
  gather(exact_texts_, begin, order);
  gather(steps_, begin, order);
}

ArrowBits SeriesPoints::epochs_there() const {
  const auto there = std::count(has_epoch_.begin(), has_epoch_.end(), uint8_t{1});
  if (there == 0 || static_cast<size_t>(there) == has_epoch_.size())
    return ArrowBits::of(has_epoch_.size(), there != 0);
  ArrowBits valid;
  for (const uint8_t has : has_epoch_) valid.push(has != 0);
  return valid;
}

ArrowColumn SeriesPoints::take(std::shared_ptr<const ArrowColumn> run_ids,
                               std::shared_ptr<const ArrowColumn> contexts) {
  const auto rows = static_cast<int64_t>(size());
  std::vector<ArrowColumn> columns;
  columns.push_back(dictionary_column("run", std::move(runs_), std::move(run_ids)));
  columns.push_back(dictionary_column("context", std::move(contexts_), std::move(contexts)));
  columns.push_back(number_column("attempt", "I", std::move(attempts_)));
  columns.push_back(number_column("step", "l", std::move(steps_)));
  columns.push_back(numbers_as("value", type_, std::move(bits_), std::nullopt));
  columns.push_back(number_column("time", arrow_timestamp, std::move(times_ns_)));
  columns.push_back(number_column("epoch", "g", std::move(epochs_)));
  set_validity(columns.back(), epochs_there());
  if (exact_) columns.push_back(optional_text_column("exact", exact_texts_));
  return batch_of(std::move(columns), rows);
}

}  // namespace aimlog

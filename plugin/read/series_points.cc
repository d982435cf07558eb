#include "plugin/read/series_points.h"

#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "plugin/read/typed_column.h"

namespace aimlog {
namespace {

// Moves what is at `places` to the places from `to` on.
template <typename Column>
void gather(Column& column, size_t to, const std::vector<size_t>& places) {
  if (column.empty()) return;
  Column chosen;
  chosen.reserve(places.size());
  for (const size_t place : places) chosen.push_back(std::move(column[place]));
  std::move(chosen.begin(), chosen.end(), column.begin() + static_cast<ptrdiff_t>(to));
}

// Room for a whole column. Where that is large, in large pages: half of the time of reading would
// be spent on faults of small ones.
template <typename T>
void make_room(RawVector<T>& column, size_t count) {
  constexpr size_t large = size_t{4} << 20;
  constexpr uintptr_t page = 4096;
  column.resize(count);
  if (count * sizeof(T) < large) return;
  const auto begin = (reinterpret_cast<uintptr_t>(column.data()) + page - 1) / page * page;
  const auto end = reinterpret_cast<uintptr_t>(column.data() + count) / page * page;
  ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);  // a wish, no more
}

}  // namespace

template <typename Change>
void SeriesPoints::each_column(const Change& change) {
  change(runs_);
  change(contexts_);
  change(attempts_);
  change(times_ns_);
  change(bits_);
  change(epochs_);
  change(has_epoch_);
  change(steps_);
}

SeriesPoints::SeriesPoints(NumberType type, bool exact, size_t points)
    : type_(type), exact_(exact), exact_texts_(exact ? points : 0) {
  each_column([&](auto& column) { make_room(column, points); });
}

void SeriesPoints::repeat(size_t at, size_t count, const PlannedSeries& series, uint32_t attempt) {
  std::fill_n(&runs_[at], count, series.run);
  std::fill_n(&contexts_[at], count, series.context);
  std::fill_n(&attempts_[at], count, attempt);
}

void SeriesPoints::put_value(size_t at, Number value) {
  bits_[at] = convert_bits(value, type_);
  if (!exact_) return;
  const Number stored{type_, bits_[at]};
  const bool same = value.is_nan() || compare(stored, value) == std::partial_ordering::equivalent;
  if (!same) exact_texts_[at] = to_text(value);
}

void SeriesPoints::put(size_t at, uint32_t count, const RowGroupReader& chunk,
                       const PlannedSeries& series, uint32_t attempt) {
  const auto column = chunk.stored_column(series.key);
  if (!column || column->count() != count)
    throw Error(ErrorCode::corrupt, "damaged chunk: it has other points than before");
  if (count == 0) return;
  const std::vector<int64_t> steps = chunk.steps(), times = chunk.times_ns();
  repeat(at, count, series, attempt);
  if (column->places.empty()) {
    std::copy_n(steps.begin(), count, &steps_[at]);
    std::copy_n(times.begin(), count, &times_ns_[at]);
  } else {
    for (uint32_t i = 0; i < count; ++i) {
      steps_[at + i] = steps[column->places[i]];
      times_ns_[at + i] = times[column->places[i]];
    }
  }
  if (column->type == type_) {
    std::copy_n(column->bits.begin(), count, &bits_[at]);
  } else {
    for (uint32_t i = 0; i < count; ++i) put_value(at + i, {column->type_of(i), column->bits[i]});
  }
  put_epochs(at, chunk, *column);
}

void SeriesPoints::put_epochs(size_t at, const RowGroupReader& chunk, const NumberColumn& column) {
  const uint32_t count = column.count();
  const NumberColumn epochs = chunk.stored_epochs();
  if (epochs.count() == 0) {
    std::fill_n(&epochs_[at], count, std::nan(""));
    std::fill_n(&has_epoch_[at], count, uint8_t{0});
    return;
  }
  std::vector<double> by_row(chunk.rows(), std::nan(""));
  std::vector<uint8_t> there(chunk.rows(), 0);
  for (uint32_t i = 0; i < epochs.count(); ++i) {
    by_row[epochs.place(i)] = Number{epochs.type_of(i), epochs.bits[i]}.as_double();
    there[epochs.place(i)] = 1;
  }
  for (uint32_t i = 0; i < count; ++i) {
    epochs_[at + i] = by_row[column.place(i)];
    has_epoch_[at + i] = there[column.place(i)];
  }
}

void SeriesPoints::put(size_t at, const Point& point, const PlannedSeries& series) {
  repeat(at, 1, series, point.attempt);
  steps_[at] = point.step;
  times_ns_[at] = point.time_ns;
  epochs_[at] = point.epoch.as_double();
  has_epoch_[at] = point.epoch.exists() ? 1 : 0;
  put_value(at, point.value);
}

void SeriesPoints::keep_default_views(const std::vector<size_t>& begins) {
  size_t kept = 0;  // points of the series so far
  for (size_t series = 0; series + 1 < begins.size(); ++series) {
    const size_t begin = begins[series], end = begins[series + 1];
    const int64_t* const steps = steps_.data();
    const bool rising =
        std::adjacent_find(steps + begin, steps + end, std::greater_equal<>()) == steps + end;
    if (rising && kept == begin) {
      kept = end;  // nothing has to go, as nearly always
      continue;
    }
    std::vector<size_t> order(end - begin);
    std::iota(order.begin(), order.end(), begin);
    if (!rising) {
      std::stable_sort(order.begin(), order.end(),
                       [&](size_t a, size_t b) { return steps_[a] < steps_[b]; });
      // Of the points of one step the last in order counts: it is the newest attempt's latest.
      size_t last = 0;
      for (size_t i = 0; i < order.size(); ++i) {
        if (i + 1 == order.size() || steps_[order[i + 1]] != steps_[order[i]])
          order[last++] = order[i];
      }
      order.resize(last);
    }
    each_column([&](auto& column) { gather(column, kept, order); });
    gather(exact_texts_, kept, order);
    kept += order.size();
  }
  each_column([&](auto& column) { column.resize(kept); });
  if (exact_) exact_texts_.resize(kept);
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
  const auto rows = static_cast<int64_t>(steps_.size());
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

#include "cli/import/point_chunks.h"

#include <algorithm>

#include "cli/import/aim_time.h"
#include "plugin/base/hash.h"
#include "plugin/store/row_group.h"

namespace aimlog::cli {
namespace {

// The rows of a chunk without its columns.
struct Rows {
  std::vector<int64_t> steps, times_ns;
  std::vector<Number> epochs;
  bool operator==(const Rows&) const = default;

  void add(const aim::AimPoint& point, int64_t time_ns) {
    steps.push_back(point.step);
    times_ns.push_back(time_ns);
    epochs.push_back(point.epoch);
  }
};

struct Table {
  Rows rows;
  std::vector<RowGroup::Column> columns;
};

// Aim's times are doubles and its numbers have no bool: as near as they can be is the same.
bool is_same(const Point& ours, const aim::AimPoint& theirs, int64_t time_ns) {
  constexpr int64_t time_error_ns = 1'000;
  int64_t apart_ns = 0;
  if (__builtin_sub_overflow(ours.time_ns, time_ns, &apart_ns)) return false;
  const bool is_bool = ours.value.type == NumberType::boolean;
  const Number value =
      is_bool ? Number::of(static_cast<int64_t>(ours.value.bits)) : aim::fit_number(ours.value);
  return value == theirs.value && aim::fit_number(ours.epoch) == theirs.epoch &&
         -time_error_ns <= apart_ns && apart_ns <= time_error_ns;
}

const Point* find_step(const std::vector<Point>* known, int64_t step) {
  if (known == nullptr) return nullptr;
  const auto at = std::lower_bound(known->begin(), known->end(), step,
                                   [](const Point& point, int64_t s) { return point.step < s; });
  return at != known->end() && at->step == step ? &*at : nullptr;
}

class Encoder {
 public:
  explicit Encoder(const KnownPoints& known) : known_(known), sequence_(known.last_sequence) {
    encoded_.summaries = known.summaries;
  }

  void add(SeriesKey key, const aim::AimSeries& series) {
    const auto found = known_.all.find(key);
    const std::vector<Point>* known = found == known_.all.end() ? nullptr : &found->second;
    Rows rows;
    std::vector<Number> values;
    values.reserve(series.points.size());
    SeriesSummary* summary = nullptr;
    for (const aim::AimPoint& point : series.points) {
      const int64_t time_ns = to_ns(point.time_s);
      const Point* ours = find_step(known, point.step);
      if (ours != nullptr && is_same(*ours, point, time_ns)) continue;
      rows.add(point, time_ns);
      values.push_back(point.value);
      if (summary == nullptr) summary = &encoded_.summaries[key];
      summary->add(point.step, point.value);
    }
    if (values.empty()) return;
    encoded_.points += values.size();
    steps_.insert(steps_.end(), rows.steps.begin(), rows.steps.end());
    table_for(std::move(rows)).columns.push_back({key, std::move(values)});
  }

  EncodedPoints finish() {
    for (Table& table : tables_) {
      const size_t count = table.rows.steps.size();
      for (size_t at = 0; at < count; at += row_group_rows_max)
        encode(table, at, std::min<size_t>(count, at + row_group_rows_max));
    }
    std::sort(steps_.begin(), steps_.end());
    const auto last = std::unique(steps_.begin(), steps_.end());
    encoded_.steps = static_cast<size_t>(last - steps_.begin());
    return std::move(encoded_);
  }

 private:
  // Series with the same rows share a table. Times differ soonest.
  Table& table_for(Rows rows) {
    const auto bytes = [](const auto& all) {
      return ByteView(reinterpret_cast<const char*>(all.data()), all.size() * sizeof all[0]);
    };
    const auto [first, last] = by_times_.equal_range(hash128(bytes(rows.times_ns)));
    for (auto each = first; each != last; ++each)
      if (tables_[each->second].rows == rows) return tables_[each->second];
    by_times_.emplace(hash128(bytes(rows.times_ns)), tables_.size());
    tables_.push_back({std::move(rows), {}});
    return tables_.back();
  }

  void encode(const Table& table, size_t from, size_t to) {
    const auto cut = [&](const auto& all) {
      return std::remove_cvref_t<decltype(all)>(all.begin() + static_cast<std::ptrdiff_t>(from),
                                                all.begin() + static_cast<std::ptrdiff_t>(to));
    };
    RowGroup group;
    group.first_sequence = sequence_ + 1;
    group.last_sequence = sequence_ + (to - from);
    group.steps = cut(table.rows.steps);
    group.times_ns = cut(table.rows.times_ns);
    group.epochs = cut(table.rows.epochs);
    for (const RowGroup::Column& column : table.columns)
      group.columns.push_back({column.key, cut(column.values)});
    encoded_.chunks.emplace_back(group.first_sequence, encode_row_group(group));
    sequence_ = group.last_sequence;
  }

  const KnownPoints& known_;
  uint64_t sequence_;
  std::vector<Table> tables_;
  std::multimap<Hash128, size_t> by_times_;  // places in tables_
  std::vector<int64_t> steps_;               // of the points that are added
  EncodedPoints encoded_;
};

}  // namespace

EncodedPoints encode_points(const std::vector<aim::AimSeries>& series, const KnownPoints& known) {
  Encoder encoder(known);
  for (size_t i = 0; i < series.size(); ++i) encoder.add(known.keys[i], series[i]);
  return encoder.finish();
}

}  // namespace aimlog::cli

#include "plugin/store/run_view.h"

#include <algorithm>
#include <tuple>

#include "plugin/model/result_codec.h"
#include "plugin/store/damage_advice.h"
#include "plugin/store/name_table.h"
#include "plugin/store/row_group.h"
#include "plugin/store/run_table.h"
#include "plugin/store/tail_table.h"

namespace aimlog {
namespace {

using AttemptSummaries = std::map<uint32_t, SummaryMap>;

bool in_order(const Tails::Row& a, const Tails::Row& b) {
  return std::tie(a.attempt, a.journal, a.sequence) < std::tie(b.attempt, b.journal, b.sequence);
}

// Calls `visit` for each column of a result with the series it belongs to.
template <typename Visit>
void each_column(const Tails& tails, const Tails::Row& row, const ResultView& result,
                 Visit&& visit) {
  const ShapeRow& shape = tails.shape(row.shape);
  if (result.numbers.size() != shape.names.size())
    throw Error(ErrorCode::corrupt,
                "damaged tail: a result has " + std::to_string(result.numbers.size()) +
                    " columns where its shape has " + std::to_string(shape.names.size()));
  for (size_t i = 0; i < shape.names.size(); ++i)
    visit(SeriesKey{shape.names[i], shape.context}, result.numbers[i], result.objects[i]);
}

// A point and where it stands among those of its series.
struct PlacedPoint {
  Point point;
  JournalNumber journal = 0;
  uint64_t sequence = 0;
};
using PlacedPoints = std::map<SeriesKey, std::vector<PlacedPoint>>;

void add_chunk_points(const ChunkKey& key, ByteView encoded, const StepRange& range,
                      PlacedPoints& wanted) {
  const RowGroupReader reader(encoded);
  const std::vector<int64_t> steps = reader.steps();
  if (std::none_of(steps.begin(), steps.end(), [&](int64_t step) { return range.has(step); }))
    return;
  std::vector<int64_t> times;
  std::vector<Number> epochs;
  for (auto& [series, points] : wanted) {
    const auto values = reader.column(series);
    if (!values) continue;
    if (times.empty()) {
      times = reader.times_ns();
      epochs = reader.epochs();
    }
    for (size_t i = 0; i < values->size(); ++i) {
      if (!(*values)[i].exists() || !range.has(steps[i])) continue;
      const Number epoch = i < epochs.size() ? epochs[i] : Number{};
      points.push_back({{steps[i], times[i], epoch, (*values)[i], key.attempt},
                        key.journal,
                        key.first_sequence});
    }
  }
}

void add_tail_points(const Tails& tails, RunNumber run, const StepRange& range,
                     PlacedPoints& wanted) {
  ResultView result;
  for (const Tails::Row& row : tails.of(run)) {
    decode_result(row.result, result);
    if (!range.has(result.step)) continue;
    each_column(tails, row, result, [&](SeriesKey series, Number value, ByteView) {
      const auto found = wanted.find(series);
      if (found == wanted.end() || !value.exists()) return;
      found->second.push_back({{result.step, result.time_ns, result.epoch, value, row.attempt},
                               row.journal,
                               row.sequence});
    });
  }
}

void add_tail_summaries(const Tails& tails, RunNumber run, AttemptSummaries& summaries) {
  ResultView result;
  for (const Tails::Row& row : tails.of(run)) {
    decode_result(row.result, result);
    SummaryMap& of_attempt = summaries[row.attempt];
    each_column(tails, row, result, [&](SeriesKey series, Number value, ByteView) {
      if (value.exists()) of_attempt[series].add(result.step, value);
    });
  }
}

// Joins the attempts of each series. A series whose attempts go back over steps is left out and
// named in `inexact`.
SummaryMap join_attempts(AttemptSummaries summaries, std::vector<SeriesKey>& inexact) {
  SummaryMap joined;
  for (auto& [attempt, of_attempt] : summaries) {
    std::erase_if(of_attempt, [](const auto& each) { return each.second.count == 0; });
    // Nearly all runs have one attempt: nothing is copied.
    if (joined.empty()) joined.swap(of_attempt);
    for (const auto& [series, summary] : of_attempt) {
      const auto [place, is_first] = joined.try_emplace(series, summary);
      if (is_first) continue;
      SeriesSummary& total = place->second;
      if (summary.steps_rise && total.steps_rise && summary.first_step > total.last_step)
        total.append(summary);
      else
        total.steps_rise = false;
    }
  }
  for (auto each = joined.begin(); each != joined.end();) {
    if (each->second.steps_rise) {
      ++each;
    } else {
      inexact.push_back(each->first);
      each = joined.erase(each);
    }
  }
  return joined;
}

Error missing_row(const std::string& what, RunNumber run, uint32_t attempt) {
  return Error(ErrorCode::corrupt, what + " of attempt " + std::to_string(attempt) +
                                       " of run number " + std::to_string(run) +
                                       " cannot be found: " + damage_advice);
}

void keep_only(SummaryMap& summaries, const std::vector<SeriesKey>& only) {
  std::erase_if(summaries, [&](const auto& each) {
    return std::find(only.begin(), only.end(), each.first) == only.end();
  });
}

}  // namespace

Tails::Tails(const Transaction& txn) {
  std::map<JournalNumber, std::map<RunNumber, uint64_t>> seals;
  each_tail(txn, [&](JournalNumber journal, uint64_t, ByteView rows) {
    const auto [place, is_new] = seals.try_emplace(journal);
    if (is_new) place->second = get_seals(txn, journal);
    const std::map<RunNumber, uint64_t>& of_journal = place->second;
    each_tail_row(rows, [&](const TailRow& row) {
      const auto seal = of_journal.find(row.run);
      if (seal != of_journal.end() && row.sequence <= seal->second) return;
      rows_[row.run].push_back({row.attempt, journal, row.sequence, row.shape, Bytes(row.result)});
      shapes_.try_emplace(row.shape);
    });
  });
  for (auto& [number, shape] : shapes_) shape = get_shape(txn, number);
  for (auto& [run, rows] : rows_) {
    if (!std::is_sorted(rows.begin(), rows.end(), in_order))
      std::sort(rows.begin(), rows.end(), in_order);
  }
}

const std::vector<Tails::Row>& Tails::of(RunNumber run) const {
  static const std::vector<Row> none;
  const auto found = rows_.find(run);
  return found == rows_.end() ? none : found->second;
}

const ShapeRow& Tails::shape(ShapeNumber number) const { return shapes_.at(number); }

std::map<SeriesKey, std::vector<Point>> read_all_points(const Transaction& txn, const Tails& tails,
                                                        RunNumber run,
                                                        const std::vector<SeriesKey>& keys,
                                                        const StepRange& steps) {
  PlacedPoints placed;
  for (const SeriesKey& key : keys) placed[key];
  each_chunk(txn, run, [&](const ChunkKey& key, ByteView encoded) {
    add_chunk_points(key, encoded, steps, placed);
  });
  add_tail_points(tails, run, steps, placed);

  // Rows of one journal may still be in tails while those of a later one are already sealed.
  const auto before = [](const PlacedPoint& a, const PlacedPoint& b) {
    return std::tie(a.point.attempt, a.journal, a.sequence) <
           std::tie(b.point.attempt, b.journal, b.sequence);
  };
  std::map<SeriesKey, std::vector<Point>> result;
  for (auto& [key, points] : placed) {
    if (points.empty()) continue;
    if (!std::is_sorted(points.begin(), points.end(), before))
      std::stable_sort(points.begin(), points.end(), before);
    std::vector<Point>& out = result[key];
    out.reserve(points.size());
    for (const PlacedPoint& each : points) out.push_back(each.point);
  }
  return result;
}

std::vector<Point> read_all_points(const Transaction& txn, const Tails& tails, RunNumber run,
                                   SeriesKey key) {
  auto points = read_all_points(txn, tails, run, std::vector<SeriesKey>{key});
  return points.empty() ? std::vector<Point>{} : std::move(points.begin()->second);
}

std::vector<Point> default_view(std::vector<Point> all) {
  const auto by_step = [](const Point& a, const Point& b) { return a.step < b.step; };
  if (!std::is_sorted(all.begin(), all.end(), by_step))
    std::stable_sort(all.begin(), all.end(), by_step);
  // Of the points of one step the last in order counts: it is the newest attempt's latest.
  size_t kept = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    if (i + 1 == all.size() || all[i + 1].step != all[i].step) all[kept++] = all[i];
  }
  all.resize(kept);
  return all;
}

std::vector<Point> read_points(const Transaction& txn, const Tails& tails, RunNumber run,
                               SeriesKey key) {
  return default_view(read_all_points(txn, tails, run, key));
}

SummaryMap read_sealed_summaries(const Transaction& txn, RunNumber run, uint32_t attempt) {
  if (auto summaries = find_summaries(txn, run, attempt)) return std::move(*summaries);
  const auto row = get_attempt(txn, run, attempt);
  if (row && row->sealed_results > 0) throw missing_row("the summaries", run, attempt);
  return {};
}

std::optional<AttemptRow> read_attempt(const Transaction& txn, RunNumber run, uint32_t attempt,
                                       uint32_t attempts) {
  auto row = get_attempt(txn, run, attempt);
  if (!row && (attempt == attempts || find_summaries(txn, run, attempt)))
    throw missing_row("the row", run, attempt);
  return row;
}

SummaryMap read_summaries(const Transaction& txn, const Tails& tails, RunNumber run,
                          const std::optional<std::vector<SeriesKey>>& only) {
  return read_summaries(txn, tails, run, get_run(txn, run).attempts, only);
}

SummaryMap read_summaries(const Transaction& txn, const Tails& tails, RunNumber run,
                          uint32_t attempts, const std::optional<std::vector<SeriesKey>>& only) {
  AttemptSummaries summaries;
  for (uint32_t attempt = 1; attempt <= attempts; ++attempt)
    summaries[attempt] = read_sealed_summaries(txn, run, attempt);
  add_tail_summaries(tails, run, summaries);
  if (only) {
    for (auto& [attempt, of_attempt] : summaries) keep_only(of_attempt, *only);
  }

  std::vector<SeriesKey> inexact;
  SummaryMap result = join_attempts(std::move(summaries), inexact);
  if (inexact.empty()) return result;
  for (auto& [key, points] : read_all_points(txn, tails, run, inexact)) {
    SeriesSummary& summary = result[key];
    for (const Point& point : default_view(std::move(points))) summary.add(point.step, point.value);
  }
  return result;
}

std::map<SeriesKey, ObjectRow> read_objects(const Transaction& txn, const Tails& tails,
                                            RunNumber run) {
  std::map<SeriesKey, ObjectRow> objects = get_objects(txn, run);
  ResultView result;
  for (const Tails::Row& row : tails.of(run)) {
    decode_result(row.result, result);
    each_column(tails, row, result, [&](SeriesKey series, Number number, ByteView value) {
      if (number.exists() || value.empty()) return;
      ObjectRow& object = objects[series];
      object.key = series;
      object.count += 1;
      object.last_step = result.step;
      object.last_value = Bytes(value);
    });
  }
  return objects;
}

uint64_t read_result_count(const Transaction& txn, const Tails& tails, RunNumber run,
                           uint32_t attempt) {
  const auto row = get_attempt(txn, run, attempt);
  uint64_t count = row ? row->sealed_results : 0;
  for (const Tails::Row& each : tails.of(run)) count += each.attempt == attempt ? 1 : 0;
  return count;
}

}  // namespace aimlog

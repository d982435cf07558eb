#include "cli/import/store_run.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "plugin/store/job_table.h"
#include "plugin/store/name_table.h"
#include "plugin/store/row_group.h"
#include "plugin/store/run_table.h"
#include "plugin/store/series_table.h"

namespace aimlog::cli {
namespace {

// Chunks of imported runs came through no journal.
constexpr JournalNumber no_journal = 0;

int64_t to_ns(double seconds) { return std::llround(static_cast<long double>(seconds) * 1e9L); }

// Series with the same rows share a chunk.
struct Rows {
  std::vector<int64_t> steps, times_ns;
  std::vector<Number> epochs;
  bool operator==(const Rows&) const = default;
};
struct Table {
  Rows rows;
  std::vector<RowGroup::Column> columns;
};

JobNumber find_or_add_job(WriteTransaction& txn, AimOrigin& origin) {
  if (const auto number = find_job_by_token(txn, origin.job.token)) return *number;
  origin.job.experiment = intern_experiment(txn, origin.experiment, origin.job.created_ns);
  return add_job(txn, origin.job);
}

// Aim may hold several runs of one trial: then the hash tells them apart.
TrialKey free_key(const Transaction& txn, JobNumber job, const RunRow& row) {
  const TrialKey key = trial_key(row.trial_id);
  return find_run(txn, job, key) ? trial_key("aim:" + row.id.hex()) : key;
}

class RunStorer {
 public:
  RunStorer(WriteTransaction& txn, const Tails& tails, RunNumber number, uint32_t attempt)
      : txn_(txn), tails_(tails), number_(number), attempt_(attempt) {}

  // Adds the points that are not there; gives how many.
  size_t add_points(const aim::AimRun& run, const AimOrigin& origin) {
    const size_t before = points_;
    for (const aim::AimSeries& series : run.series) add_series(series, origin);
    write();
    return points_ - before;
  }

 private:
  SeriesKey key_of(const aim::AimSeries& series, const AimOrigin& origin) {
    ContextId context = 0;
    if (!series.context.empty()) {
      Bytes bytes;
      append_value(bytes, Value{series.context});
      context = intern_context(txn_, bytes);
    }
    return {intern_name(txn_, origin.bare_name(series.name)), context};
  }

  void add_series(const aim::AimSeries& series, const AimOrigin& origin) {
    const SeriesKey key = key_of(series, origin);
    std::map<int64_t, Point> known;
    std::vector<Point> all = read_all_points(txn_, tails_, number_, key);
    std::erase_if(all, [&](const Point& point) { return point.attempt != attempt_; });
    for (const Point& point : default_view(std::move(all))) known[point.step] = point;
    Rows rows;
    std::vector<Number> values;
    for (const aim::AimPoint& point : series.points) {
      const int64_t time_ns = to_ns(point.time_s);
      const auto found = known.find(point.step);
      if (found != known.end() && is_same(found->second, point, time_ns)) continue;
      rows.steps.push_back(point.step);
      rows.times_ns.push_back(time_ns);
      rows.epochs.push_back(point.epoch);
      values.push_back(point.value);
    }
    if (values.empty()) return;
    points_ += values.size();
    for (const int64_t step : rows.steps) steps_.insert(step);
    for (Table& table : tables_) {
      if (!(table.rows == rows)) continue;
      table.columns.push_back({key, std::move(values)});
      return;
    }
    tables_.push_back({std::move(rows), {{key, std::move(values)}}});
  }

  // Aim's times are doubles and its numbers have no bool: as near as they can be is the same.
  static bool is_same(const Point& ours, const aim::AimPoint& theirs, int64_t time_ns) {
    constexpr int64_t time_error_ns = 1'000;
    const bool is_bool = ours.value.type == NumberType::boolean;
    const Number value =
        is_bool ? Number::of(static_cast<int64_t>(ours.value.bits)) : aim::fit_number(ours.value);
    return value == theirs.value && aim::fit_number(ours.epoch) == theirs.epoch &&
           std::abs(ours.time_ns - time_ns) <= time_error_ns;
  }

  void write() {
    if (tables_.empty()) return;
    SummaryMap summaries = get_summaries(txn_, number_, attempt_);
    uint64_t sequence = last_sequence();
    for (Table& table : tables_) {
      const size_t count = table.rows.steps.size();
      std::sort(table.columns.begin(), table.columns.end(),
                [](const auto& a, const auto& b) { return a.key < b.key; });
      for (size_t at = 0; at < count; at += row_group_rows_max)
        sequence =
            write_chunk(table, at, std::min<size_t>(count, at + row_group_rows_max), sequence);
      for (const RowGroup::Column& column : table.columns)
        for (size_t i = 0; i < count; ++i)
          summaries[column.key].add(table.rows.steps[i], column.values[i]);
    }
    put_summaries(txn_, number_, attempt_, summaries);
    AttemptRow row = get_attempt(txn_, number_, attempt_).value_or(AttemptRow{});
    row.sealed_results += steps_.size();
    put_attempt(txn_, number_, attempt_, row);
  }

  uint64_t write_chunk(const Table& table, size_t from, size_t to, uint64_t sequence) {
    const auto cut = [&](const auto& all) {
      return std::remove_cvref_t<decltype(all)>(all.begin() + static_cast<std::ptrdiff_t>(from),
                                                all.begin() + static_cast<std::ptrdiff_t>(to));
    };
    RowGroup group;
    group.first_sequence = sequence + 1;
    group.last_sequence = sequence + (to - from);
    group.steps = cut(table.rows.steps);
    group.times_ns = cut(table.rows.times_ns);
    group.epochs = cut(table.rows.epochs);
    for (const RowGroup::Column& column : table.columns)
      group.columns.push_back({column.key, cut(column.values)});
    put_chunk(txn_, {number_, attempt_, no_journal, group.first_sequence}, encode_row_group(group));
    return group.last_sequence;
  }

  uint64_t last_sequence() const {
    uint64_t last = 0;
    each_chunk(txn_, number_, [&](const ChunkKey& key, ByteView encoded) {
      if (key.attempt == attempt_) last = std::max(last, RowGroupReader(encoded).last_sequence());
    });
    return last;
  }

  WriteTransaction& txn_;
  const Tails& tails_;
  RunNumber number_;
  uint32_t attempt_;
  std::vector<Table> tables_;
  std::set<int64_t> steps_;  // of the points that are added
  size_t points_ = 0;
};

bool same_params(const std::optional<ParamsRow>& known, const ParamsRow& row) {
  return known && known->params == row.params && known->config == row.config;
}

// Brings the rows of a run that is there up to date; gives whether anything changed.
bool update_rows(WriteTransaction& txn, RunNumber number, const AimOrigin& origin) {
  RunRow row = get_run(txn, number);
  const auto attempt = get_attempt(txn, number, origin.attempt_number);
  bool changed = false;
  if (!attempt || attempt->status != origin.attempt.status ||
      attempt->ended_ns != origin.attempt.ended_ns) {
    AttemptRow now = origin.attempt;
    if (attempt) now.sealed_results = attempt->sealed_results;
    put_attempt(txn, number, origin.attempt_number, now);
    changed = true;
  }
  if (origin.attempt_number >= row.attempts &&
      (row.status != origin.run.status || row.ended_ns != origin.run.ended_ns ||
       row.attempts != origin.attempt_number)) {
    row.status = origin.run.status;
    row.ended_ns = origin.run.ended_ns;
    row.closed_by_us = origin.run.closed_by_us;
    row.error_text = origin.run.error_text;
    row.failures = std::max(row.failures, origin.run.failures);
    row.attempts = origin.attempt_number;
    put_run(txn, number, row);
    changed = true;
  }
  std::optional<ParamsRow> known;
  for (ParamsRow& each : get_params_history(txn, number))
    if (each.attempt <= origin.attempt_number) known = std::move(each);
  if (!same_params(known, origin.params)) {
    add_params(txn, number, origin.params);
    changed = true;
  }
  return changed;
}

bool is_imported(const Transaction& txn, RunNumber number) {
  const RunRow row = get_run(txn, number);
  const auto attempt = get_attempt(txn, number, row.attempts);
  return attempt && attempt->journal == no_journal;
}

}  // namespace

StoreResult store_run(WriteTransaction& txn, const Tails& tails, const aim::ReadRun& read) {
  AimOrigin origin = origin_of(read);
  StoreResult result;
  auto number = find_run_by_id(txn, origin.run.id);
  if (number && !is_imported(txn, *number)) {
    result.outcome = Stored::native;
    return result;
  }
  const bool is_new = !number;
  bool changed = is_new;
  if (is_new) {
    const JobNumber job = find_or_add_job(txn, origin);
    origin.run.job = job;
    number = add_run(txn, free_key(txn, job, origin.run), origin.run);
    put_attempt(txn, *number, origin.attempt_number, origin.attempt);
    add_params(txn, *number, origin.params);
  } else {
    changed = update_rows(txn, *number, origin);
  }
  RunStorer storer(txn, tails, *number, origin.attempt_number);
  result.points = storer.add_points(read.run, origin);
  if (is_new)
    result.outcome = Stored::added;
  else if (changed || result.points > 0)
    result.outcome = Stored::updated;
  return result;
}

}  // namespace aimlog::cli

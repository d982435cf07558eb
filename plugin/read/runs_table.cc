#include "plugin/read/runs_table.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>

#include "plugin/read/names.h"
#include "plugin/read/typed_column.h"

namespace aimlog {
namespace {

// Cells by column, in the order in which columns are first seen; rows that lack one are filled up.
template <typename Cell>
class CellGrid {
 public:
  void put(const std::string& column, size_t row, Cell cell) {
    const auto [place, is_new] = places_.try_emplace(column, columns_.size());
    if (is_new) columns_.push_back({column, {}});
    std::vector<Cell>& cells = columns_[place->second].second;
    cells.resize(row + 1);
    cells[row] = std::move(cell);
  }
  std::vector<std::pair<std::string, std::vector<Cell>>> take(size_t rows) {
    for (auto& [name, cells] : columns_) cells.resize(rows);
    return std::move(columns_);
  }

 private:
  std::map<std::string, size_t> places_;
  std::vector<std::pair<std::string, std::vector<Cell>>> columns_;
};

class RunsTable {
 public:
  void add(RepoView& view, RunNumber number, bool with_metrics) {
    const RunRow row = get_run(view.txn(), number);
    const JobRow& job = view.job(row.job);
    add_texts(row, job, view.experiment_of(row.job));
    jobs_.push_back(row.job);
    created_.push_back(row.created_ns);
    ended_.push_back(row.ended_ns);
    const auto first = get_attempt(view.txn(), number, 1);
    started_.push_back(first ? first->started_ns : 0);
    attempts_.push_back(row.attempts);
    failures_.push_back(row.failures);
    tags_.push_back(job.tags);
    last_steps_.emplace_back();
    const auto params = get_params(view.txn(), number);
    if (params) add_params(params->params);
    if (with_metrics) add_metrics(view, number);
  }

  ArrowColumn take() {
    const size_t rows = jobs_.size();
    std::vector<ArrowColumn> columns;
    columns.push_back(text_column("id", texts_["id"]));
    columns.push_back(text_column("experiment", texts_["experiment"]));
    columns.push_back(number_column("job", "l", std::move(jobs_)));
    columns.push_back(optional_text_column("job_id", texts_["job_id"]));
    columns.push_back(text_column("trial_id", texts_["trial_id"]));
    columns.push_back(optional_text_column("trial_name", texts_["trial_name"]));
    columns.push_back(text_column("status", texts_["status"]));
    columns.push_back(time_column_of("created", std::move(created_)));
    columns.push_back(time_column_of("started", std::move(started_)));
    columns.push_back(time_column_of("ended", std::move(ended_)));
    columns.push_back(number_column("attempts", "l", std::move(attempts_)));
    columns.push_back(number_column("failures", "l", std::move(failures_)));
    columns.push_back(optional_text_column("error", texts_["error"]));
    columns.push_back(text_lists_column("tags", tags_));
    columns.push_back(last_step_column());
    for (const auto& [name, cells] : params_.take(rows))
      columns.push_back(value_column_of("params." + name, cells));
    add_metric_columns(columns, rows);
    return batch_of(std::move(columns), static_cast<int64_t>(rows));
  }

 private:
  void add_texts(const RunRow& row, const JobRow& job, const std::string& experiment) {
    texts_["id"].push_back(row.id.hex());
    texts_["experiment"].push_back(experiment);
    texts_["job_id"].push_back(job.host_job_id);
    texts_["trial_id"].push_back(row.trial_id);
    texts_["trial_name"].push_back(row.trial_name);
    texts_["status"].push_back(status_name(row.status));
    texts_["error"].push_back(row.error_text);
  }

  void add_params(const Bytes& encoded) {
    if (encoded.empty()) return;
    const Value value = decode_value(encoded);
    if (const ValueMap* map = value.map())
      for (auto& [name, item] : flatten(*map)) params_.put(name, row(), std::move(item));
  }

  void add_metrics(RepoView& view, RunNumber number) {
    for (const auto& [key, s] : read_summaries(view.txn(), view.tails(), number)) {
      const std::string name = view.series(key).text();
      const bool any_finite = s.count > s.nan_count + s.infinite_count;
      metrics_.put(name, row(),
                   {s.last, s.min, s.max, s.first, any_finite ? Number::of(s.mean()) : Number{},
                    Number::of(static_cast<int64_t>(s.count))});
      Number& last = last_steps_.back();
      if (!last.exists() || static_cast<int64_t>(last.bits) < s.last_step)
        last = Number::of(s.last_step);
    }
  }

  void add_metric_columns(std::vector<ArrowColumn>& columns, size_t rows) {
    auto metrics = metrics_.take(rows);
    std::sort(metrics.begin(), metrics.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [name, cells] : metrics) {
      for (size_t i = 0; i < std::size(aggregates); ++i) {
        std::vector<Number> numbers;
        numbers.reserve(rows);
        for (const Aggregates& cell : cells) numbers.push_back(cell[i]);
        columns.push_back(number_column_of(name + "." + aggregates[i], numbers));
      }
    }
  }

  // int64 also where no run has one.
  ArrowColumn last_step_column() {
    RawVector<uint64_t> bits;
    ArrowBits valid;
    for (const Number& step : last_steps_) {
      bits.push_back(step.bits);
      valid.push(step.exists());
    }
    return numbers_as("last_step", NumberType::int64, std::move(bits), std::move(valid));
  }

  size_t row() const { return jobs_.size() - 1; }  // of the run being added

  static constexpr const char* aggregates[] = {"last", "min", "max", "first", "mean", "count"};
  using Aggregates = std::array<Number, std::size(aggregates)>;

  std::map<std::string, std::vector<std::string>> texts_;
  std::vector<int64_t> jobs_, created_, started_, ended_, attempts_, failures_;
  std::vector<std::vector<std::string>> tags_;
  std::vector<Number> last_steps_;
  CellGrid<Value> params_;
  CellGrid<Aggregates> metrics_;
};

}  // namespace

ArrowColumn runs_table(Environment& environment, std::string_view run_word, bool with_metrics) {
  RepoView view(environment);
  RunsTable table;
  for (const RunNumber run : view.runs(run_word)) table.add(view, run, with_metrics);
  return table.take();
}

}  // namespace aimlog

#include "cli/query/columns.h"

#include <algorithm>
#include <set>

#include "cli/args/suggest.h"
#include "cli/failure.h"
#include "cli/query/builtin_columns.h"

namespace aimlog::cli {
namespace {

using Kind = RunColumn::Kind;

// Metrics that a tuner adds on its own are seldom what somebody wants to see first.
bool is_bookkeeping(const std::string& metric) {
  static constexpr const char* prefixes[] = {"time_",
                                             "iterations_since",
                                             "timesteps",
                                             "episodes_",
                                             "done",
                                             "should_checkpoint",
                                             "timestamp",
                                             "pid",
                                             "training_iteration"};
  return std::any_of(std::begin(prefixes), std::end(prefixes),
                     [&](const char* prefix) { return metric.rfind(prefix, 0) == 0; });
}

const Value* find_value(const FlatMap& map, const std::string& name) {
  for (const auto& [key, value] : map)
    if (key == name) return &value;
  return nullptr;
}

bool any_has(const RunList& list, FlatMap RunInfo::*map, const std::string& name) {
  return std::any_of(list.runs.begin(), list.runs.end(),
                     [&](const RunInfo& run) { return find_value(run.*map, name) != nullptr; });
}

RunColumn value_column(Kind kind, const std::string& name) {
  const char* prefix = kind == Kind::param ? "params." : "config.";
  RunColumn column{kind, name};
  column.shown = {prefix + name, kind == Kind::param ? name : prefix + name, true};
  column.shown.priority = 3;
  return column;
}

RunColumn metric_column(const RunList& list, SeriesKey series, const Aggregate& aggregate) {
  RunColumn column{Kind::metric, "", series, &aggregate};
  column.shown.key = list.names.at(series).text() + "." + aggregate.name;
  column.shown.user_value = true;
  column.shown.priority = 2;
  return column;
}

std::vector<RunColumn> metric_columns(const RunList& list, const std::string& text) {
  const auto each_series = [&](const std::vector<SeriesKey>& series, const Aggregate& aggregate) {
    std::vector<RunColumn> columns;
    for (const SeriesKey& key : series) columns.push_back(metric_column(list, key, aggregate));
    return columns;
  };
  const auto whole = find_series(list.names, text);
  if (!whole.empty()) return each_series(whole, *find_aggregate("last"));
  const size_t dot = text.rfind('.');
  if (dot == std::string::npos) return {};
  const Aggregate* aggregate = find_aggregate(text.substr(dot + 1));
  if (aggregate == nullptr) return {};
  return each_series(find_series(list.names, text.substr(0, dot)), *aggregate);
}

// "params.lr" with this prefix is "lr".
bool strip(const std::string& text, const std::string& prefix, std::string& rest) {
  if (text.rfind(prefix, 0) != 0) return false;
  rest = text.substr(prefix.size());
  return true;
}

std::vector<std::string> known_columns(const RunList& list) {
  std::vector<std::string> known = builtin_names();
  std::set<std::string> params;
  for (const RunInfo& run : list.runs)
    for (const auto& [name, value] : run.params) params.insert(name);
  known.insert(known.end(), params.begin(), params.end());
  for (const std::string& metric : metric_names(list.names)) {
    known.push_back(metric);
    for (const char* aggregate : {".last", ".min", ".max"}) known.push_back(metric + aggregate);
  }
  return known;
}

[[noreturn]] void throw_unknown(const RunList& list, const std::string& text) {
  const size_t dot = text.rfind('.');
  if (dot != std::string::npos && !find_series(list.names, text.substr(0, dot)).empty()) {
    std::string all;
    for (const std::string& each : aggregate_names()) all += (all.empty() ? "" : ", ") + each;
    throw usage_error("a metric has no '" + text.substr(dot + 1) + "'; it has " + all);
  }
  throw usage_error("there is no column '" + text + "'" + did_you_mean(text, known_columns(list)) +
                    " (columns: " + join_names(builtin_names()) +
                    ", params and metrics like loss.min)");
}

std::vector<RunColumn> default_metrics(const RunList& list) {
  constexpr size_t metrics_max = 3;
  std::vector<RunColumn> columns;
  // The metric that the newest job with one was tuned by.
  const auto tuned = std::find_if(list.runs.begin(), list.runs.end(), [&](const RunInfo& run) {
    return !run.job->metric.empty() && !find_series(list.names, run.job->metric).empty();
  });
  if (tuned != list.runs.end()) {
    for (const SeriesKey& key : find_series(list.names, tuned->job->metric)) {
      if (columns.size() >= metrics_max) break;
      columns.push_back(metric_column(list, key, *find_aggregate("last")));
      if (tuned->job->mode == "min" || tuned->job->mode == "max")
        columns.push_back(metric_column(list, key, *find_aggregate(tuned->job->mode)));
    }
  }
  if (!columns.empty()) return columns;
  for (const auto& [key, name] : list.names) {
    if (is_bookkeeping(name.metric)) continue;
    if (columns.size() >= metrics_max) break;
    columns.push_back(metric_column(list, key, *find_aggregate("last")));
  }
  return columns;
}

}  // namespace

std::vector<RunColumn> resolve_column(const RunList& list, const std::string& text) {
  std::string rest;
  if (is_builtin(text)) return {RunColumn{Kind::builtin, text, {}, nullptr, builtin_column(text)}};
  if ((strip(text, "params.", rest) || strip(text, "hparams.", rest)) &&
      any_has(list, &RunInfo::params, rest))
    return {value_column(Kind::param, rest)};
  if (strip(text, "config.", rest) && any_has(list, &RunInfo::config, rest))
    return {value_column(Kind::config, rest)};
  if (any_has(list, &RunInfo::params, text)) return {value_column(Kind::param, text)};
  std::vector<RunColumn> columns = metric_columns(list, text);
  if (columns.empty() && strip(text, "metrics.", rest)) columns = metric_columns(list, rest);
  if (columns.empty()) throw_unknown(list, text);
  return columns;
}

std::vector<RunColumn> choose_columns(const RunList& list, const std::string& text) {
  std::vector<RunColumn> columns;
  std::vector<std::string> away;
  for (const std::string& item : split_list(text)) {
    if (item.size() > 1 && item[0] == '-') {
      away.push_back(item.substr(1));
      continue;
    }
    for (RunColumn& column : resolve_column(list, item)) {
      column.shown.priority = std::max(column.shown.priority, 1u);
      columns.push_back(std::move(column));
    }
  }
  if (columns.empty()) columns = default_columns(list);
  for (const std::string& item : away) {
    const auto unwanted = resolve_column(list, item);
    std::erase_if(columns, [&](const RunColumn& column) {
      return std::any_of(unwanted.begin(), unwanted.end(),
                         [&](const RunColumn& each) { return each.shown.key == column.shown.key; });
    });
  }
  return columns;
}

std::vector<RunColumn> differing_params(const RunList& list) {
  std::vector<std::string> order;
  std::set<std::string> seen;
  for (const RunInfo& run : list.runs)
    for (const auto& [name, value] : run.params)
      if (seen.insert(name).second) order.push_back(name);
  std::vector<RunColumn> columns;
  for (const std::string& name : order) {
    const Value* first = find_value(list.runs.front().params, name);
    const bool differs = std::any_of(list.runs.begin(), list.runs.end(), [&](const RunInfo& run) {
      const Value* value = find_value(run.params, name);
      return (value == nullptr) != (first == nullptr) || (value != nullptr && *value != *first);
    });
    if (differs || list.runs.size() == 1) columns.push_back(value_column(Kind::param, name));
  }
  return columns;
}

std::vector<RunColumn> default_columns(const RunList& list) {
  std::vector<RunColumn> columns;
  for (const char* name : {"id", "trial", "experiment", "status", "attempts", "last_step"})
    columns.push_back({Kind::builtin, name, {}, nullptr, builtin_column(name)});
  for (RunColumn& column : default_metrics(list)) columns.push_back(std::move(column));
  for (RunColumn& column : differing_params(list)) columns.push_back(std::move(column));
  return columns;
}

Cell column_value(const RunColumn& column, const RunInfo& run) {
  switch (column.kind) {
    case Kind::builtin:
      return builtin_value(column.name, run);
    case Kind::metric: {
      const SeriesSummary* summary = run.summary(column.series);
      return summary == nullptr ? Cell{} : number_cell(column.aggregate->of(*summary));
    }
    default: {
      const Value* value =
          find_value(column.kind == Kind::param ? run.params : run.config, column.name);
      return value == nullptr ? Cell{} : Cell{*value};
    }
  }
}

Table runs_table(const RunList& list, const std::vector<RunColumn>& columns) {
  Table table;
  for (const RunColumn& column : columns) table.columns.push_back(column.shown);
  for (const RunInfo& run : list.runs) {
    std::vector<Cell>& row = table.rows.emplace_back();
    for (const RunColumn& column : columns) row.push_back(column_value(column, run));
  }
  return table;
}

}  // namespace aimlog::cli

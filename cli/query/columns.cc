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

RunColumn builtin_run_column(const std::string& name) {
  return {Kind::builtin, name, {}, nullptr, builtin_value_of(name), builtin_column(name)};
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
  column.shown.key = list.names().at(series).text() + "." + aggregate.name;
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
  const auto whole = find_series(list.names(), text);
  if (!whole.empty()) return each_series(whole, *find_aggregate("last"));
  const size_t dot = text.rfind('.');
  if (dot == std::string::npos) return {};
  const Aggregate* aggregate = find_aggregate(text.substr(dot + 1));
  if (aggregate == nullptr) return {};
  return each_series(find_series(list.names(), text.substr(0, dot)), *aggregate);
}

// "params.lr" with this prefix is "lr".
bool strip(const std::string& text, const std::string& prefix, std::string& rest) {
  if (text.rfind(prefix, 0) != 0) return false;
  rest = text.substr(prefix.size());
  return true;
}

std::vector<std::string> known_columns(const RunList& list) {
  std::vector<std::string> known = builtin_names();
  const std::vector<std::string> params = list.params().sorted();
  known.insert(known.end(), params.begin(), params.end());
  for (const std::string& metric : metric_names(list.names())) {
    known.push_back(metric);
    for (const char* aggregate : {".last", ".min", ".max"}) known.push_back(metric + aggregate);
  }
  return known;
}

[[noreturn]] void throw_unknown(const RunList& list, const std::string& text) {
  const size_t dot = text.rfind('.');
  if (dot != std::string::npos && !find_series(list.names(), text.substr(0, dot)).empty()) {
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
  for (size_t i = 0; i < list.size(); ++i) {
    const JobRow& job = list.job(i);
    if (i > 0 && &job == &list.job(i - 1)) continue;
    const auto tuned =
        job.metric.empty() ? std::vector<SeriesKey>{} : find_series(list.names(), job.metric);
    for (const SeriesKey& key : tuned) {
      if (columns.size() >= metrics_max) break;
      columns.push_back(metric_column(list, key, *find_aggregate("last")));
      if (job.mode == "min" || job.mode == "max")
        columns.push_back(metric_column(list, key, *find_aggregate(job.mode)));
    }
    if (!tuned.empty()) break;
  }
  if (!columns.empty()) return columns;
  for (const auto& [key, name] : list.names()) {
    if (is_bookkeeping(name.metric)) continue;
    if (columns.size() >= metrics_max) break;
    columns.push_back(metric_column(list, key, *find_aggregate("last")));
  }
  return columns;
}

}  // namespace

std::vector<RunColumn> resolve_column(const RunList& list, const std::string& text) {
  std::string rest;
  if (is_builtin(text)) return {builtin_run_column(text)};
  if ((strip(text, "params.", rest) || strip(text, "hparams.", rest)) && list.params().has(rest))
    return {value_column(Kind::param, rest)};
  if (strip(text, "config.", rest) && list.config().has(rest))
    return {value_column(Kind::config, rest)};
  if (list.params().has(text)) return {value_column(Kind::param, text)};
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
      const auto is_same = [&](const RunColumn& each) {
        return each.shown.key == column.shown.key;
      };
      if (std::any_of(columns.begin(), columns.end(), is_same)) continue;  // named twice
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
  std::vector<RunColumn> columns;
  for (const std::string& name : list.params().differing())
    columns.push_back(value_column(Kind::param, name));
  return columns;
}

std::vector<RunColumn> default_columns(const RunList& list) {
  std::vector<RunColumn> columns;
  for (const char* name : {"id", "trial", "experiment", "status", "attempts", "last_step"})
    columns.push_back(builtin_run_column(name));
  for (RunColumn& column : default_metrics(list)) columns.push_back(std::move(column));
  for (RunColumn& column : differing_params(list)) columns.push_back(std::move(column));
  return columns;
}

Cell column_value(const RunColumn& column, const RunInfo& run) {
  switch (column.kind) {
    case Kind::builtin:
      return column.builtin(run);
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

RunParts parts_for(const std::vector<RunColumn>& columns) {
  RunParts parts;
  for (const RunColumn& column : columns) {
    const bool is_builtin = column.kind == Kind::builtin;
    parts.row = parts.row || is_builtin;
    parts.params = parts.params || column.kind == Kind::param;
    parts.config = parts.config || column.kind == Kind::config;
    parts.summaries =
        parts.summaries || column.kind == Kind::metric || column.shown.key == "last_step";
  }
  return parts;
}

std::string render_runs(const RunList& list, const std::vector<RunColumn>& columns, size_t limit,
                        const std::string& note, const OutputOptions& options) {
  std::vector<Column> shown;
  for (const RunColumn& column : columns) shown.push_back(column.shown);
  const auto table = table_writer(std::move(shown), options);
  std::vector<Cell> row;
  size_t left = limit;
  list.each(parts_for(columns), [&](const RunInfo& run) {
    row.clear();
    for (const RunColumn& column : columns) row.push_back(column_value(column, run));
    table->add(row);
    return --left > 0;
  });
  return table->take(note);
}

}  // namespace aimlog::cli

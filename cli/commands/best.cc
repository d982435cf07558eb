#include "cli/command.h"
#include "cli/failure.h"
#include "cli/query/builtin_columns.h"
#include "cli/query/columns.h"
#include "cli/query/repo.h"
#include "cli/query/run_ref.h"

namespace aimlog::cli {
namespace {

// The metric of the newest job that has one.
std::string default_metric(const RunList& list) {
  for (const RunInfo& run : list.runs)
    if (!run.job->metric.empty()) return run.job->metric;
  throw usage_error("say which metric: --metric NAME --mode min|max");
}

Table ranked_table(const RunList& list, const std::vector<RankedRun>& ranked, SeriesKey series,
                   const std::string& what, size_t limit) {
  RunList shown;
  for (size_t i = 0; i < ranked.size() && i < limit; ++i)
    shown.runs.push_back(list.runs[ranked[i].index]);
  const std::vector<RunColumn> params = differing_params(shown);
  Table table;
  table.columns = {
      {"rank", "#"}, builtin_column("id"), builtin_column("trial"), builtin_column("status")};
  table.columns.push_back({"value", list.names.at(series).text() + "." + what, true});
  table.columns.push_back({"step"});
  for (const RunColumn& param : params) table.columns.push_back(param.shown);
  for (size_t i = 0; i < shown.runs.size(); ++i) {
    const RunInfo& run = shown.runs[i];
    std::vector<Cell> row = {count_cell(i + 1), builtin_value("id", run),
                             builtin_value("trial", run), builtin_value("status", run),
                             number_cell(ranked[i].value)};
    row.push_back(ranked[i].step ? number_cell(Number::of(*ranked[i].step)) : Cell{});
    for (const RunColumn& param : params) row.push_back(column_value(param, run));
    table.rows.push_back(std::move(row));
  }
  return table;
}

int run(const Args& args) {
  const OutputOptions output = read_output_options(args);
  const RunFilter filter = read_filter(args);
  const bool by_last = args.text("--scope") == "last";
  const size_t limit = args.count("--limit", 1).value_or(5);
  const auto environment = open_repo(args);
  RunList list;
  {
    Snapshot snapshot(*environment);
    list = list_runs(snapshot, filter);
  }
  if (list.runs.empty()) throw nothing_matched("no run matches");
  const std::string metric = args.has("--metric") ? *args.text("--metric") : default_metric(list);
  const auto found = find_series(list.names, metric);
  if (found.empty()) throw nothing_matched(unknown_metric(list.names, metric));
  const SeriesKey series = single_series(list.names, found, metric);
  const std::string mode = args.has("--mode") ? *args.text("--mode") : mode_for(list, metric);
  const std::vector<RankedRun> ranked = rank_runs(list, series, mode, by_last);
  if (ranked.empty()) throw nothing_matched("no run has a value of '" + metric + "'");
  print(render(ranked_table(list, ranked, series, by_last ? "last" : mode, limit), output));
  return exit_ok;
}

}  // namespace

Command best_command() {
  std::vector<OptionSpec> options = {
      {"--metric", "NAME", "the metric; without it the job's own"},
      {"--mode", "MODE", "which end is good; without it the job's own", {"min", "max"}},
      {"--scope",
       "SCOPE",
       "best (the default): over the whole run; last: its last value",
       {"best", "last"}},
      {"--limit", "N", "so many runs (5)"}};
  options = with(with(options, filter_options()), output_options());
  return {{"best", "Look at runs", "Rank runs by a metric", "aimlog best --metric loss --mode min",
           with(options, {types_option(), repo_option()})},
          run};
}

}  // namespace aimlog::cli

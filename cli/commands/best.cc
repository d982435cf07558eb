#include "cli/command.h"
#include "cli/failure.h"
#include "cli/query/columns.h"
#include "cli/query/repo.h"
#include "cli/query/run_ref.h"

namespace aimlog::cli {
namespace {

// The metric of the newest job that has one.
std::string default_metric(const RunList& list) {
  for (size_t i = 0; i < list.size(); ++i)
    if (!list.job(i).metric.empty()) return list.job(i).metric;
  throw usage_error("say which metric: --metric NAME --mode min|max");
}

// `list`: those that are ranked, in the order of their rank.
Table ranked_table(const RunList& list, const std::vector<RankedRun>& ranked, SeriesKey series,
                   const std::string& what) {
  const std::vector<RunColumn> params = differing_params(list);
  std::vector<RunColumn> names;
  for (const char* name : {"id", "trial", "status"}) names.push_back(resolve_column(list, name)[0]);
  Table table;
  table.columns = {{"rank", "#"}};
  for (const RunColumn& name : names) table.columns.push_back(name.shown);
  table.columns.push_back({"value", list.names().at(series).text() + "." + what, true});
  table.columns.push_back({"step"});
  for (const RunColumn& param : params) table.columns.push_back(param.shown);
  list.each({.row = true, .params = true}, [&](const RunInfo& run) {
    const RankedRun& place = ranked[table.rows.size()];
    std::vector<Cell> row = {count_cell(table.rows.size() + 1)};
    for (const RunColumn& name : names) row.push_back(column_value(name, run));
    row.push_back(number_cell(place.value));
    row.push_back(place.step ? number_cell(Number::of(*place.step)) : Cell{});
    for (const RunColumn& param : params) row.push_back(column_value(param, run));
    table.rows.push_back(std::move(row));
    return true;
  });
  return table;
}

Table best_runs(RunList list, const Args& args) {
  const bool by_last = args.text("--scope") == "last";
  const size_t limit = args.count("--limit", 1).value_or(5);
  if (list.empty()) throw nothing_matched("no run matches");
  const std::string metric = args.has("--metric") ? *args.text("--metric") : default_metric(list);
  const auto found = find_series(list.names(), metric);
  if (found.empty()) throw nothing_matched(unknown_metric(list.names(), metric));
  const SeriesKey series = single_series(list.names(), found, metric);
  const std::string mode = args.has("--mode") ? *args.text("--mode") : mode_for(list, metric);
  const std::vector<RankedRun> ranked = rank_runs(list, series, mode, by_last);
  if (ranked.empty()) throw nothing_matched("no run has a value of '" + metric + "'");
  std::vector<size_t> order;
  for (size_t i = 0; i < ranked.size() && i < limit; ++i) order.push_back(ranked[i].index);
  list.choose(order);
  return ranked_table(list, ranked, series, by_last ? "last" : mode);
}

int run(const Args& args) {
  const OutputOptions output = read_output_options(args);
  const RunFilter filter = read_filter(args);
  args.count("--limit", 1);  // a wrong number is told before the repo is opened
  const auto environment = open_repo(args);
  Table table;
  {
    Snapshot snapshot(*environment);
    table = best_runs(list_runs(snapshot, filter), args);
  }
  print(render(table, output));
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

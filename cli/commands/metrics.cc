#include "cli/command.h"
#include "cli/failure.h"
#include "cli/output/table.h"
#include "cli/query/metric_ref.h"
#include "cli/query/repo.h"
#include "cli/query/run_ref.h"

namespace aimlog::cli {
namespace {

Cell context_cell(const SeriesName& name) {
  return dual_cell(name.context_text(), name.context_value);
}

Table of_run(const Summaries& summaries, const SeriesNames& names) {
  Table table;
  table.columns = {{"metric"}, {"context"}};
  for (const char* each :
       {"count", "first", "last", "min", "max", "mean", "last_step", "nan_count", "inf_count"}) {
    Column column{each};
    const bool value = *each == 'f' || *each == 'l' || *each == 'm';
    column.user_value = value && std::string(each) != "last_step";
    column.priority = 1;
    table.columns.push_back(column);
  }
  for (const auto& [key, summary] : summaries) {
    std::vector<Cell> row = {text_cell(names.at(key).metric), context_cell(names.at(key))};
    for (size_t i = 2; i < table.columns.size(); ++i)
      row.push_back(number_cell(find_aggregate(table.columns[i].key)->of(summary)));
    table.rows.push_back(std::move(row));
  }
  return table;
}

struct Total {
  uint64_t runs = 0;
  uint64_t points = 0;
  Number min, max;

  void add(const SeriesSummary& summary) {
    runs += 1;
    points += summary.count;
    if (summary.min.exists() && (!min.exists() || compare(summary.min, min) < 0)) min = summary.min;
    if (summary.max.exists() && (!max.exists() || compare(summary.max, max) > 0)) max = summary.max;
  }
};

Table of_repo(const RunList& list) {
  std::map<SeriesKey, Total> totals;
  list.each({.summaries = true}, [&](const RunInfo& run) {
    for (const auto& [key, summary] : run.summaries) totals[key].add(summary);
    return true;
  });
  Table table;
  table.columns = {{"metric"}, {"context"},       {"runs"},
                   {"points"}, {"min", "", true}, {"max", "", true}};
  for (const auto& [key, total] : totals) {
    const SeriesName& name = list.names().at(key);
    table.rows.push_back({text_cell(name.metric), context_cell(name), count_cell(total.runs),
                          count_cell(total.points), number_cell(total.min),
                          number_cell(total.max)});
  }
  return table;
}

int run(const Args& args) {
  const OutputOptions output = read_output_options(args);
  const RunFilter filter = read_filter(args);
  const auto environment = open_repo(args);
  Table table;
  {
    Snapshot snapshot(*environment);
    if (const auto word = args.text("RUN")) {
      refuse_filter_of_named_runs(args);
      const RunInfo info = load_run(snapshot, find_run_named(snapshot, *word));
      table = of_run(info.summaries, snapshot.take_names());
    } else {
      table = of_repo(list_runs(snapshot, filter));
    }
  }
  if (table.rows.empty()) throw nothing_matched("no metrics are recorded");
  print(render(table, output));
  return exit_ok;
}

}  // namespace

Command metrics_command() {
  std::vector<OptionSpec> options = {{"RUN", "RUN", run_words_help}};
  options = with(with(options, filter_options()), output_options());
  return {{"metrics", "Look at runs", "List metrics, of all runs or of one", "aimlog metrics last",
           with(options, {types_option(), repo_option()})},
          run};
}

}  // namespace aimlog::cli

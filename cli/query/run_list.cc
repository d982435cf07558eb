#include "cli/query/run_list.h"

#include <algorithm>

#include "cli/args/args.h"
#include "cli/args/suggest.h"
#include "cli/failure.h"
#include "cli/query/metric_ref.h"
#include "cli/query/run_query.h"

namespace aimlog::cli {
namespace {

FlatMap flattened(const Bytes& encoded) {
  if (encoded.empty()) return {};
  const Value value = decode_value(encoded);
  const ValueMap* map = value.map();
  return map == nullptr ? FlatMap{} : flatten(*map);
}

std::vector<std::string> status_names() {
  std::vector<std::string> names;
  for (uint8_t i = 0; i < 8; ++i) names.emplace_back(status_name(static_cast<TrialStatus>(i)));
  return names;
}

ExperimentNumber experiment_number(Snapshot& snapshot, const std::string& name) {
  if (const auto number = find_experiment(snapshot.txn(), name)) return *number;
  std::vector<std::string> known;
  each_experiment(snapshot.txn(),
                  [&](ExperimentNumber, const ExperimentRow& row) { known.push_back(row.name); });
  throw nothing_matched("there is no experiment '" + name + "'" + did_you_mean(name, known));
}

RunInfo load(Snapshot& snapshot, RunNumber number, RunRow row, bool with_config) {
  RunInfo info;
  info.number = number;
  info.row = std::move(row);
  info.job = snapshot.shared_job(info.row.job);
  info.experiment = snapshot.experiment_of(info.row.job);
  if (const auto params = get_params(snapshot.txn(), number)) {
    info.params = flattened(params->params);
    if (with_config) info.config = flattened(params->config);
  }
  info.summaries = read_summaries(snapshot.txn(), snapshot.tails(), number, info.row.attempts);
  for (const auto& [key, summary] : info.summaries) {
    snapshot.name(key);
    info.last_step = std::max(info.last_step.value_or(summary.last_step), summary.last_step);
  }
  return info;
}

// By experiment and status; the oldest first.
template <typename Visit>
void each_row_that_fits(Snapshot& snapshot, const RunFilter& filter, Visit&& visit) {
  std::optional<ExperimentNumber> experiment;
  if (filter.experiment) experiment = experiment_number(snapshot, *filter.experiment);
  each_run(snapshot.txn(), [&](RunNumber number, const RunRow& row) {
    const auto& statuses = filter.statuses;
    if (!statuses.empty() &&
        std::find(statuses.begin(), statuses.end(), row.status) == statuses.end())
      return;
    if (experiment && snapshot.job(row.job).experiment != *experiment) return;
    visit(number, row);
  });
}

}  // namespace

const SeriesSummary* RunInfo::summary(SeriesKey key) const {
  const auto found = summaries.find(key);
  return found == summaries.end() ? nullptr : &found->second;
}

std::vector<OptionSpec> filter_options() {
  return {{"--experiment", "NAME", "only runs of this experiment"},
          {"--status", "STATUS", "only runs with this status; several with commas"},
          query_option()};
}

OptionSpec query_option() {
  OptionSpec option{"--query", "EXPR", "only runs that fit, as in 'lr < 0.1 and loss.min < 0.3'"};
  option.letter = 'q';
  return option;
}

RunFilter read_filter(const Args& args) {
  RunFilter filter;
  filter.experiment = args.text("--experiment");
  for (const std::string& name : split_list(args.text("--status").value_or(""))) {
    const auto status = status_from_name(name);
    if (!status) {
      std::string known;
      for (const std::string& each : status_names()) known += (known.empty() ? "" : ", ") + each;
      throw usage_error("there is no status '" + name + "'" + did_you_mean(name, status_names()) +
                        " (it is one of " + known + ")");
    }
    filter.statuses.push_back(*status);
  }
  if (const auto query = args.text("--query"))
    filter.query = std::make_shared<const RunQuery>(*query);
  return filter;
}

RunInfo load_run(Snapshot& snapshot, RunNumber number, bool with_config) {
  return load(snapshot, number, get_run(snapshot.txn(), number), with_config);
}

std::vector<std::pair<RunNumber, RunRow>> choose_runs(Snapshot& snapshot, const RunFilter& filter) {
  std::vector<std::pair<RunNumber, RunRow>> rows;
  if (!filter.query) {
    each_row_that_fits(snapshot, filter, [&](RunNumber number, const RunRow& row) {
      rows.emplace_back(number, row);
    });
    return rows;
  }
  for (RunInfo& run : list_runs(snapshot, filter).runs)
    rows.emplace_back(run.number, std::move(run.row));
  std::reverse(rows.begin(), rows.end());
  return rows;
}

RunList list_runs(Snapshot& snapshot, const RunFilter& filter, bool with_config) {
  if (filter.query) with_config = with_config || filter.query->needs_config();
  RunList list;
  // The table has three rows a run; room that is not needed is never touched.
  list.runs.reserve(snapshot.txn().count(Table::runs) / 3 + 1);
  each_row_that_fits(snapshot, filter, [&](RunNumber number, const RunRow& row) {
    list.runs.push_back(load(snapshot, number, row, with_config));
  });
  std::reverse(list.runs.begin(), list.runs.end());
  list.names = snapshot.take_names();
  if (filter.query) filter.query->choose(list);
  return list;
}

}  // namespace aimlog::cli

#include "cli/query/run_list.h"

#include <algorithm>
#include <set>

#include "cli/args/args.h"
#include "cli/args/suggest.h"
#include "cli/failure.h"
#include "cli/query/metric_ref.h"
#include "cli/query/run_query.h"
#include "plugin/store/run_rows.h"

namespace aimlog::cli {
namespace {

void flatten_into(FlatMap& out, ByteView encoded) {
  out.clear();
  each_leaf(encoded, [&](ByteView name, ByteView value) {
    out.emplace_back(std::string(name), decode_value(value));
  });
}

// Whether a row of summaries is what the points of its attempt give.
bool is_exact(ByteView row, Summaries& decoded) {
  decode_summaries(row, decoded);
  return std::all_of(decoded.begin(), decoded.end(), [](const NamedSummary& each) {
    return each.second.steps_rise && each.second.count > 0;
  });
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

// By experiment and status; the oldest first.
template <typename Visit>
void each_row_that_fits(Snapshot& snapshot, const RunFilter& filter, Visit&& visit) {
  std::optional<ExperimentNumber> experiment;
  if (filter.experiment) experiment = experiment_number(snapshot, *filter.experiment);
  const auto& statuses = filter.statuses;
  each_run_row(snapshot.txn(), [&](RunNumber number, ByteView row) {
    const RunHead head = read_run_head(row);
    if (!statuses.empty() &&
        std::find(statuses.begin(), statuses.end(), head.status) == statuses.end())
      return;
    if (experiment && snapshot.job(head.job).experiment != *experiment) return;
    visit(number, row);
  });
}

}  // namespace

const SeriesSummary* RunInfo::summary(SeriesKey key) const {
  const auto found = std::lower_bound(
      summaries.begin(), summaries.end(), key,
      [](const NamedSummary& each, SeriesKey wanted) { return each.first < wanted; });
  return found == summaries.end() || found->first != key ? nullptr : &found->second;
}

void RunList::fill(const std::vector<std::pair<RunNumber, ByteView>>& rising) {
  std::vector<RunNumber> runs;
  runs.reserve(rising.size());
  for (const auto& [number, row] : rising) runs.push_back(number);
  const auto params = newest_params_rows(snapshot_->txn(), runs);
  const auto summaries = first_summaries_rows(snapshot_->txn(), runs);
  entries_.reserve(runs.size());
  Summaries scratch;
  for (size_t i = runs.size(); i-- > 0;)
    entries_.push_back(make_entry(runs[i], rising[i].second, params[i], summaries[i], scratch));
}

RunList::Entry RunList::make_entry(RunNumber number, ByteView row, ByteView params,
                                   ByteView summaries, Summaries& scratch) const {
  const RunHead head = read_run_head(row);
  Entry entry{number, head.job, head.attempts, row, params, summaries, {}};
  // Of one attempt, all of it sealed, the row says all, unless it went back over steps.
  const bool has_row = !summaries.empty() || head.attempts == 0;
  if (head.attempts <= 1 && has_row && snapshot_->tails().of(number).empty() &&
      is_exact(summaries, scratch))
    return entry;
  auto joined = std::make_shared<Summaries>();
  for (auto& each : read_summaries(snapshot_->txn(), snapshot_->tails(), number, head.attempts))
    joined->emplace_back(each);
  entry.joined = std::move(joined);
  return entry;
}

void RunList::load(const Entry& entry, const RunParts& parts, RunInfo& run) const {
  run.number = entry.number;
  if (parts.row) {
    run.row = decode_run(entry.row);
    const auto& job = snapshot_->shared_job(entry.job);
    if (run.job != job) {
      run.job = job;
      run.experiment = snapshot_->experiment_of(entry.job);
    }
  }
  if (!entry.params.empty() && (parts.params || parts.config)) {
    const ParamsView view = view_params(entry.params);
    if (parts.params) flatten_into(run.params, view.params);
    if (parts.config) flatten_into(run.config, view.config);
  } else {
    run.params.clear();
    run.config.clear();
  }
  if (!parts.summaries) return;
  if (entry.joined != nullptr)
    run.summaries = *entry.joined;
  else
    decode_summaries(entry.summaries, run.summaries);
  run.last_step.reset();
  for (const auto& [key, summary] : run.summaries)
    run.last_step = std::max(run.last_step.value_or(summary.last_step), summary.last_step);
}

RunInfo RunList::run(size_t i) const {
  RunInfo run;
  load(entries_[i], RunParts::all(with_config_), run);
  return run;
}

void RunList::each(const RunParts& parts, const std::function<bool(const RunInfo&)>& visit) const {
  RunInfo run;  // its memory serves for all of them
  for (const Entry& entry : entries_) {
    load(entry, parts, run);
    if (!visit(run)) return;
  }
}

const SeriesNames& RunList::names() const {
  if (names_) return *names_;
  std::set<SeriesKey> keys;
  std::vector<SeriesKey> latest, these;
  each({.summaries = true}, [&](const RunInfo& run) {
    these.clear();
    for (const auto& [key, summary] : run.summaries) these.push_back(key);
    if (these == latest) return true;  // as nearly always
    keys.insert(these.begin(), these.end());
    latest.swap(these);
    return true;
  });
  names_.emplace();
  for (const SeriesKey key : keys) names_->emplace(key, snapshot_->name(key));
  return *names_;
}

const ValueNames& RunList::names_of(std::optional<ValueNames>& kept, bool config) const {
  if (kept) return *kept;
  kept.emplace();
  for (const Entry& entry : entries_) {
    const ParamsView view = entry.params.empty() ? ParamsView{} : view_params(entry.params);
    kept->add(config ? view.config : view.params);
  }
  return *kept;
}

const ValueNames& RunList::params() const { return names_of(params_, false); }
const ValueNames& RunList::config() const {
  static const ValueNames none;
  return with_config_ ? names_of(config_, true) : none;
}

void RunList::choose(const std::vector<size_t>& order) {
  std::vector<Entry> chosen;
  chosen.reserve(order.size());
  for (const size_t i : order) chosen.push_back(std::move(entries_[i]));
  const bool fewer = chosen.size() < entries_.size();
  entries_ = std::move(chosen);
  if (!fewer) return;
  names_.reset();
  params_.reset();
  config_.reset();
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
  const auto statuses = args.text("--status");
  if (statuses && split_list(*statuses).empty())
    throw usage_error("--status is empty: name a status, or leave it out");
  for (const std::string& name : split_list(statuses.value_or(""))) {
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

void refuse_filter_of_named_runs(const Args& args) {
  for (const char* option : {"--experiment", "--status", "--query"})
    if (args.has(option))
      throw usage_error(std::string(option) +
                        " chooses among all runs, and here a RUN is named: "
                        "leave one of them out");
}

RunInfo load_run(Snapshot& snapshot, RunNumber number, bool with_config) {
  RunList list(snapshot, with_config);
  list.fill({{number, get_run_row(snapshot.txn(), number)}});
  RunInfo run = list.run(0);
  for (const auto& [key, summary] : run.summaries) snapshot.name(key);
  return run;
}

std::vector<std::pair<RunNumber, RunRow>> choose_runs(Snapshot& snapshot, const RunFilter& filter) {
  std::vector<std::pair<RunNumber, RunRow>> rows;
  if (!filter.query) {
    each_row_that_fits(snapshot, filter, [&](RunNumber number, ByteView row) {
      rows.emplace_back(number, decode_run(row));
    });
    return rows;
  }
  list_runs(snapshot, filter).each({.row = true}, [&](const RunInfo& run) {
    rows.emplace_back(run.number, run.row);
    return true;
  });
  std::reverse(rows.begin(), rows.end());
  return rows;
}

RunList list_runs(Snapshot& snapshot, const RunFilter& filter, bool with_config) {
  if (filter.query) with_config = with_config || filter.query->needs_config();
  std::vector<std::pair<RunNumber, ByteView>> rows;
  each_row_that_fits(snapshot, filter,
                     [&](RunNumber number, ByteView row) { rows.emplace_back(number, row); });
  RunList list(snapshot, with_config);
  list.fill(rows);
  if (filter.query) filter.query->choose(list, snapshot);
  return list;
}

}  // namespace aimlog::cli

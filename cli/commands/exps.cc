#include <map>
#include <set>

#include "cli/command.h"
#include "cli/failure.h"
#include "cli/output/table.h"
#include "cli/query/repo.h"
#include "cli/query/run_list.h"
#include "plugin/store/run_table.h"

namespace aimlog::cli {
namespace {

struct Tally {
  ExperimentRow row;
  uint64_t jobs = 0;
  uint64_t runs = 0;
  std::map<TrialStatus, uint64_t> by_status;
  int64_t newest_ns = 0;
};

std::map<ExperimentNumber, Tally> tally(Environment& environment, const RunFilter& filter) {
  Snapshot snapshot(environment);
  std::map<ExperimentNumber, Tally> tallies;
  each_experiment(snapshot.txn(), [&](ExperimentNumber number, const ExperimentRow& row) {
    tallies[number].row = row;
  });
  each_job(snapshot.txn(),
           [&](JobNumber, const JobRow& row) { tallies[row.experiment].jobs += 1; });
  for (const auto& [number, row] : choose_runs(snapshot, filter)) {
    Tally& each = tallies[snapshot.job(row.job).experiment];
    each.runs += 1;
    each.by_status[row.status] += 1;
    each.newest_ns = std::max(each.newest_ns, row.created_ns);
  }
  if (filter.chooses())
    std::erase_if(tallies, [](const auto& each) { return each.second.runs == 0; });
  return tallies;
}

int run(const Args& args) {
  const OutputOptions output = read_output_options(args);
  const RunFilter filter = read_filter(args);
  const auto tallies = tally(*open_repo(args), filter);
  if (tallies.empty())
    throw nothing_matched(filter.chooses() ? "no run matches" : "the repo has no experiments yet");
  Table table;
  table.columns = {{"experiment"}, {"jobs"}, {"runs"}};
  for (uint8_t i = 1; i < 8; ++i) {
    Column column{status_name(static_cast<TrialStatus>(i))};
    column.priority = 2;
    table.columns.push_back(column);
  }
  Column newest{"newest_run", "newest run"}, created{"created"};
  newest.priority = 3;
  created.priority = 4;
  table.columns.push_back(newest);
  table.columns.push_back(created);
  for (const auto& [number, each] : tallies) {
    std::vector<Cell> row = {text_cell(each.row.name), count_cell(each.jobs),
                             count_cell(each.runs)};
    for (uint8_t i = 1; i < 8; ++i) {
      const auto found = each.by_status.find(static_cast<TrialStatus>(i));
      row.push_back(count_cell(found == each.by_status.end() ? 0 : found->second));
    }
    row.push_back(time_cell(each.newest_ns));
    row.push_back(time_cell(each.row.created_ns));
    table.rows.push_back(std::move(row));
  }
  print(render(table, output));
  return exit_ok;
}

}  // namespace

Command exps_command() {
  return {{"exps", "Look at runs", "List experiments", "aimlog exps",
           with(filter_options(), with(output_options(), {repo_option()}))},
          run};
}

}  // namespace aimlog::cli

// Runs as a list: what ls, best and the words for a run work on. From run rows, params and
// summaries only; sealed points are read only for runs that went back over steps.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/args/args.h"
#include "cli/args/spec.h"
#include "cli/query/snapshot.h"
#include "plugin/store/run_table.h"

namespace aimlog::cli {

struct RunInfo {
  RunNumber number = 0;
  RunRow row;
  std::shared_ptr<const JobRow> job;  // thousands of runs have the same
  std::string experiment;
  FlatMap params;
  FlatMap config;  // only where it was asked for
  SummaryMap summaries;
  std::optional<int64_t> last_step;

  const SeriesSummary* summary(SeriesKey key) const;
};

struct RunList {
  std::vector<RunInfo> runs;  // newest first
  SeriesNames names;          // of all series in them
};

class RunQuery;

struct RunFilter {
  std::optional<std::string> experiment;
  std::vector<TrialStatus> statuses;  // empty = any
  std::shared_ptr<const RunQuery> query;
};

// --experiment, --status and --query.
std::vector<OptionSpec> filter_options();
OptionSpec query_option();
RunFilter read_filter(const Args& args);

// Rows of the runs that fit, the oldest first. Throws nothing_matched where an experiment of that
// name does not exist.
std::vector<std::pair<RunNumber, RunRow>> choose_runs(Snapshot& snapshot, const RunFilter& filter);
// The same as a list.
RunList list_runs(Snapshot& snapshot, const RunFilter& filter, bool with_config = false);
// One run, as in the list.
RunInfo load_run(Snapshot& snapshot, RunNumber number, bool with_config = false);

}  // namespace aimlog::cli

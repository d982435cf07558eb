// Runs as a list: what ls, best and the words for a run work on. From run rows, params and
// summaries only; sealed points are read only for runs that went back over steps.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/args/args.h"
#include "cli/args/spec.h"
#include "cli/query/snapshot.h"
#include "cli/query/value_names.h"
#include "plugin/store/run_table.h"

namespace aimlog::cli {

using Summaries = std::vector<NamedSummary>;  // by rising key

struct RunInfo {
  RunNumber number = 0;
  RunRow row;
  std::shared_ptr<const JobRow> job;  // thousands of runs have the same
  std::string experiment;
  FlatMap params;
  FlatMap config;  // only where it was asked for
  Summaries summaries;
  std::optional<int64_t> last_step;

  const SeriesSummary* summary(SeriesKey key) const;
};

// What is taken apart of a run; all else of a RunInfo is empty.
struct RunParts {
  bool row = false;
  bool params = false;
  bool config = false;
  bool summaries = false;

  static RunParts all(bool with_config) { return {true, true, with_config, true}; }
};

// Holds of each run only where its rows are, so that a list of a million is small; a run is taken
// apart when somebody looks at it. The snapshot must outlive the list.
class RunList {
 public:
  explicit RunList(Snapshot& snapshot, bool with_config = false)
      : snapshot_(&snapshot), with_config_(with_config) {}

  // Runs by rising number, and their rows in the snapshot; once.
  void fill(const std::vector<std::pair<RunNumber, ByteView>>& rising);

  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }
  RunNumber number(size_t i) const { return entries_[i].number; }
  const JobRow& job(size_t i) const { return *snapshot_->shared_job(entries_[i].job); }
  RunInfo run(size_t i) const;  // all of it
  // In order, the newest first. What `visit` gets is valid during its call; false ends it.
  void each(const RunParts& parts, const std::function<bool(const RunInfo&)>& visit) const;

  const SeriesNames& names() const;  // of all series in them
  const ValueNames& params() const;
  const ValueNames& config() const;  // none where it was not asked for
  bool with_config() const { return with_config_; }

  // Leaves these, in this order.
  void choose(const std::vector<size_t>& order);

 private:
  struct Entry {
    RunNumber number = 0;
    JobNumber job = 0;
    uint32_t attempts = 0;
    ByteView row;
    ByteView params;                          // the newest row
    ByteView summaries;                       // the row, where nothing has to be added to it
    std::shared_ptr<const Summaries> joined;  // in its place otherwise
  };
  Entry make_entry(RunNumber number, ByteView row, ByteView params, ByteView summaries,
                   Summaries& scratch) const;
  void load(const Entry& entry, const RunParts& parts, RunInfo& run) const;
  const ValueNames& names_of(std::optional<ValueNames>& kept, bool config) const;

  Snapshot* snapshot_;
  bool with_config_;
  std::vector<Entry> entries_;
  // Found when they are first asked for.
  mutable std::optional<SeriesNames> names_;
  mutable std::optional<ValueNames> params_, config_;
};

class RunQuery;

struct RunFilter {
  std::optional<std::string> experiment;
  std::vector<TrialStatus> statuses;  // empty = any
  std::shared_ptr<const RunQuery> query;

  bool chooses() const { return experiment || !statuses.empty() || query; }
};

// --experiment, --status and --query.
std::vector<OptionSpec> filter_options();
OptionSpec query_option();
RunFilter read_filter(const Args& args);
// For verbs that look at the runs that are named, where some are: they would be shown all the same.
void refuse_filter_of_named_runs(const Args& args);

// Rows of the runs that fit, the oldest first. Throws nothing_matched where an experiment of that
// name does not exist.
std::vector<std::pair<RunNumber, RunRow>> choose_runs(Snapshot& snapshot, const RunFilter& filter);
// The same as a list, the newest first.
RunList list_runs(Snapshot& snapshot, const RunFilter& filter, bool with_config = false);
// One run, as in the list.
RunInfo load_run(Snapshot& snapshot, RunNumber number, bool with_config = false);

}  // namespace aimlog::cli

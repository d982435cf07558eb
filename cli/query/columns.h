// Columns of a list of runs: what the user wrote, what it means, and its value for a run.
#pragma once

#include <string>
#include <vector>

#include "cli/output/table.h"
#include "cli/query/metric_ref.h"
#include "cli/query/run_list.h"

namespace aimlog::cli {

struct RunColumn {
  enum class Kind { builtin, param, config, metric };
  Kind kind = Kind::builtin;
  std::string name;                      // of the builtin, param or config value
  SeriesKey series = {};                 // of a metric
  const Aggregate* aggregate = nullptr;  // of a metric
  Cell (*builtin)(const RunInfo& run) = nullptr;
  Column shown = {};
};

// A column as the user writes it: id, params.lr, lr, config.seed, loss, loss.min,
// loss{subset=val}.last. A metric in several contexts gives a column for each. Throws a usage error
// that suggests.
std::vector<RunColumn> resolve_column(const RunList& list, const std::string& text);

// The value of `--columns`: names take the place of the default, "-name" takes one away. Empty =
// the default.
std::vector<RunColumn> choose_columns(const RunList& list, const std::string& text);

// id, trial, experiment, status, attempts, last step, params that differ, the metrics most worth
// seeing.
std::vector<RunColumn> default_columns(const RunList& list);
std::vector<RunColumn> differing_params(const RunList& list);

Cell column_value(const RunColumn& column, const RunInfo& run);

// By `--sort` KEY[:asc|:desc],...; runs without a value come last, NaN before them.
void sort_runs(RunList& list, const std::string& text);

// What has to be known of a run for these columns.
RunParts parts_for(const std::vector<RunColumn>& columns);

// The list as text, at most `limit` runs of it.
std::string render_runs(const RunList& list, const std::vector<RunColumn>& columns, size_t limit,
                        const std::string& note, const OutputOptions& options);

}  // namespace aimlog::cli

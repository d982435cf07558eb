// Words that name a run: a hex id or the beginning of one, a trial id, `last`, `@N`, `best:METRIC`.
#pragma once

#include <string>

#include "cli/query/run_list.h"

namespace aimlog::cli {

// Throws nothing_matched where there is none, a usage error that lists the candidates where several
// fit.
RunNumber find_run_named(Snapshot& snapshot, const std::string& word);

// The runs of a list that have the series, the best first. `over` is "min", "max" or "last".
struct RankedRun {
  size_t index = 0;  // in the list
  Number value;
  std::optional<int64_t> step;
};
std::vector<RankedRun> rank_runs(const RunList& list, SeriesKey series, const std::string& mode,
                                 bool by_last);

// The mode that is meant where none was given: the job's own for its metric. Throws a usage error.
std::string mode_for(const RunList& list, const std::string& metric);

extern const char* const run_words_help;

}  // namespace aimlog::cli

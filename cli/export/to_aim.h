// Our runs as Aim's: one for each run in the default view, or one for each attempt.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/aim/run.h"
#include "cli/query/snapshot.h"
#include "plugin/config/metric_filter.h"
#include "plugin/store/point_cursor.h"
#include "plugin/store/rows.h"

namespace aimlog::cli {

// The host of jobs that stand for runs which Aim alone recorded, brought in by an import.
inline constexpr const char* aim_host = "aim";
// Where such runs have in their config what our rows have no place for: archived, notes, params.
inline constexpr const char* aim_extras = "__aim__";

struct AimOptions {
  bool split_attempts = false;
  bool bare_names = false;  // without the host's namespace
  bool keep_nan = false;
  std::vector<std::string> metrics;  // patterns; empty = all
};

// What becomes one run of Aim's.
struct AimSubject {
  RunNumber number = 0;
  RunRow row;
  uint32_t attempt = 0;  // 0 = all of them, merged
  std::string hash;
  std::string fingerprint;  // changes whenever the result would
};

struct MappedRun {
  aim::AimRun run;
  std::string metric_namespace;
  std::set<std::string> bare_names;  // of its series
  size_t points = 0;
};

// Changes whenever the run's own row, or its job's, does so in a way that is exported.
std::string aim_row_mark(Snapshot& snapshot, const RunRow& row);
std::vector<AimSubject> aim_subjects(Snapshot& snapshot, RunNumber number, const RunRow& row,
                                     const AimOptions& options);
// Whether it goes on, as far as the repo knows.
bool is_open(Snapshot& snapshot, const AimSubject& subject);
MappedRun to_aim(Snapshot& snapshot, const AimSubject& subject, const AimOptions& options);
// The same with the points alone that the cursor has not met. Nothing where that cannot be told.
std::optional<MappedRun> news_to_aim(Snapshot& snapshot, const AimSubject& subject,
                                     const AimOptions& options, PointCursor& cursor);

// The top-level params that we write.
const std::set<std::string>& own_aim_params();

}  // namespace aimlog::cli

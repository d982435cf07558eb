// What others put into a run of ours since the last export, and how it goes into the next one.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "cli/aim/run.h"

namespace aimlog::aim {

struct MergeRules {
  std::set<std::string> own_params;  // top-level names that are always ours
  std::set<std::string> old_series;  // names under which an earlier export wrote our series
  bool keep_nan = false;
};

// Params, series and points of others in the databases of a run, as they stand there.
struct ForeignParts {
  Tree meta;
  Tree points;
};

// Takes what is not ours. Points of others in series of ours are added to `series`, behind ours.
// Throws Error where the databases cannot be read.
ForeignParts read_foreign_parts(const std::filesystem::path& meta,
                                const std::filesystem::path& seqs, const AimRun& run,
                                const MergeRules& rules, std::vector<PlacedSeries>& series);

// The points of a series, from its columns; `path` ends in the name. By rising step.
std::vector<AimPoint> read_columns(const Tree& points, const Bytes& path);

}  // namespace aimlog::aim

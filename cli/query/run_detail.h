// All that is recorded of one run.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/output/terminal.h"
#include "cli/query/run_list.h"

namespace aimlog::cli {

struct AttemptDetail {
  AttemptRow row;
  uint64_t results = 0;
};

struct RunDetail {
  RunInfo info;
  std::vector<AttemptDetail> attempts;  // the first is attempt 1
  std::vector<ParamsRow> params;        // oldest first
  std::vector<CheckpointRow> checkpoints;
  std::vector<std::pair<SeriesName, ObjectRow>> objects;
  std::vector<std::pair<SeriesName, SeriesSummary>> metrics;
  // All points of each metric, as in `metrics`: every attempt, nothing merged. Empty unless asked.
  std::vector<std::vector<Point>> points;
};

RunDetail load_detail(Snapshot& snapshot, RunNumber run, bool with_points);

// One JSON object. Its keys are described in docs/cli.md.
std::string detail_json(const RunDetail& detail, bool types);

// For people.
std::string detail_text(const RunDetail& detail, const OutputOptions& output);

}  // namespace aimlog::cli

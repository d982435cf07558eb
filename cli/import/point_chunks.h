// The points of an imported run as chunks of ours. Nothing here touches the store, so that several
// runs can be encoded at a time.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "cli/aim/run.h"
#include "plugin/store/run_view.h"

namespace aimlog::cli {

// What the store says of the run before its new points come.
struct KnownPoints {
  std::vector<SeriesKey> keys;                  // of each of its series, none twice
  std::map<SeriesKey, std::vector<Point>> all;  // of its attempt, by rising step
  SummaryMap summaries;                         // of its attempt
  uint64_t last_sequence = 0;
};

struct EncodedPoints {
  std::vector<std::pair<uint64_t, Bytes>> chunks;  // by their first sequence number
  SummaryMap summaries;                            // with the new points
  size_t points = 0;                               // that are new
  size_t steps = 0;                                // that have new points
};

EncodedPoints encode_points(const std::vector<aim::AimSeries>& series, const KnownPoints& known);

}  // namespace aimlog::cli

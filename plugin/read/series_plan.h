// What a series' answer consists of, found in one look at the repo and read afterwards bit by bit.
//
// Sealed points never change, so their chunks' keys are enough to find them again; unsealed ones
// are copied, since they may move into chunks meanwhile. So the answer is the repo as it was at one
// moment, and no transaction stays open while the receiver works.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugin/read/names.h"
#include "plugin/read/typed_column.h"
#include "plugin/store/row_group.h"

namespace aimlog {

struct SeriesRequest {
  std::string metric;
  std::string run_word;  // empty = all
  bool all_attempts = false;
  // Values that the context must have, as text; and no others, if it is to be exact.
  std::vector<std::pair<std::string, std::string>> context;
  bool exact_context = false;
};

// A chunk, or one unsealed point.
struct SeriesSegment {
  ChunkKey place;  // of an unsealed point: where it will be
  bool sealed = false;
  uint32_t points = 1;
  Point point;
};

struct PlannedSeries {
  SeriesKey key;
  int32_t run = 0;       // an index into run_ids
  int32_t context = -1;  // an index into contexts, or none
  uint64_t points = 0;
  std::vector<SeriesSegment> segments;  // in the order of their points
};

struct SeriesPlan {
  bool all_attempts = false;
  NumberKinds kinds;  // of all points
  std::vector<std::string> run_ids;
  std::vector<std::string> contexts;
  std::vector<PlannedSeries> series;
};

// Throws LookupError where no run that is meant has the metric.
SeriesPlan plan_series(Environment& environment, const SeriesRequest& request);

}  // namespace aimlog

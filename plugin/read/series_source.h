// The points of a metric as a stream of batches.
#pragma once

#include <memory>

#include "plugin/read/arrow_stream.h"
#include "plugin/read/series_plan.h"

namespace aimlog {

// The columns are listed at `series` in aimlog_read.h. A batch holds whole series of runs: many
// small ones, or one of any size, so that a run's points lie in one piece. Throws LookupError.
std::unique_ptr<BatchSource> series_source(std::shared_ptr<Environment> environment,
                                           const SeriesRequest& request);

}  // namespace aimlog

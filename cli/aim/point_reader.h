// Metric series out of a run's seqs database, in one pass over its keys.
#pragma once

#include <functional>
#include <string>

#include "cli/aim/database.h"
#include "cli/aim/run.h"

namespace aimlog::aim {

// Calls `visit` for each metric series that has points, by rising step; `place` is context id and
// name as the end of a path. Points that lack their value or step are left out.
void each_series(const DatabaseReader& seqs, const std::string& hash,
                 const std::function<void(ByteView place, std::vector<AimPoint> points)>& visit);

// The same for series of an older Aim, whose keys are the steps; what is no number is left out.
std::vector<AimPoint> read_old_series(const DatabaseReader& seqs, const std::string& hash,
                                      ByteView place);

}  // namespace aimlog::aim

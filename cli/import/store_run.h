// Imported runs into the store. What is there already is not written again; what came since is
// added behind it.
#pragma once

#include <vector>

#include "cli/import/origin.h"
#include "plugin/store/environment.h"

namespace aimlog::cli {

enum class Stored { added, updated, unchanged, native };  // native: recorded here, not imported

struct StoreResult {
  Stored outcome = Stored::unchanged;
  size_t points = 0;
};

// One result for each run. Points are encoded on all cores, written by the calling thread.
std::vector<StoreResult> store_runs(WriteTransaction& txn,
                                    const std::vector<const aim::ReadRun*>& reads);

}  // namespace aimlog::cli

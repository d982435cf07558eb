// An imported run into the store. What is there already is not written again; what came since is
// added behind it.
#pragma once

#include "cli/import/origin.h"
#include "plugin/store/run_view.h"

namespace aimlog::cli {

enum class Stored { added, updated, unchanged, native };  // native: recorded here, not imported

struct StoreResult {
  Stored outcome = Stored::unchanged;
  size_t points = 0;
};

StoreResult store_run(WriteTransaction& txn, const Tails& tails, const aim::ReadRun& read);

}  // namespace aimlog::cli

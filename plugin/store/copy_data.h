// A copy of a repo's data as it was at one moment, also while others write.
#pragma once

#include <filesystem>

#include "plugin/store/environment.h"

namespace aimlog {

// Writes one snapshot, without free pages, into a new repo in `directory`, which holds nothing yet
// but may have been made. The journals of live writers are not copied: what they hold is not in the
// snapshot either. Uses LMDB's own copying, which dies of a damaged repo: call it in a child.
// Throws Error: io, no_space, and what opening throws.
void copy_data(Environment& environment, const std::filesystem::path& directory);

}  // namespace aimlog

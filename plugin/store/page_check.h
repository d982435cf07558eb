// Looks at LMDB's file before LMDB does: LMDB trusts it, and dies of a truncated or damaged one.
// Only pread is used, so that a file that shrinks meanwhile cannot kill the process.
#pragma once

#include "plugin/store/environment.h"

namespace aimlog {

// The meta pages and the size of the file always; all pages of the tree if `everything` is asked
// for, if the file is small, or if the machine was started anew since they were last looked at (a
// process that dies leaves LMDB's file whole; a machine that dies may not). Notes in a file that
// they were looked at if `may_write`. A missing or empty file is fine.
// Throws Error(corrupt) that names file and page, Error(unsupported) for a file of another LMDB.
void check_pages(const RepoPaths& paths, bool may_write, bool everything);

}  // namespace aimlog

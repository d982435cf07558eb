// Looking at a repo's data whatever state it is in, beside writers and without a byte written:
// pages are read with pread, and LMDB only keeps writers from using the pages of the snapshot anew.
#pragma once

#include "plugin/store/environment.h"
#include "plugin/store/page_walk.h"

namespace aimlog {

// Shows all rows of the newest snapshot, and everything that is broken. Takes part of LMDB's own
// code, so a head that nobody foresaw might kill the process: who minds calls it in a child.
// Throws Error: not_found, io, busy (a writer changed what could not be held still), unsupported.
void walk_snapshot(const RepoPaths& paths, PageVisitor& visitor);

}  // namespace aimlog

// The two meta pages at the head of LMDB's file, read with pread.
#pragma once

#include <optional>

#include "plugin/store/environment.h"
#include "plugin/store/page_format.h"

namespace aimlog {

struct Metas {
  MetaRecord newest;
  size_t page_bytes;
};

// Throws Error(corrupt) that says what is wrong with them, Error(unsupported) for a file of another
// LMDB. LMDB takes the one with the higher transaction, which each commit writes in turn: so the
// two must be neighbours, each in its place.
Metas read_metas(int fd, const RepoPaths& paths);

// Page 0 or 1 alone, whatever the other one is; nullopt if it is damaged.
std::optional<Metas> read_one_meta(int fd, const RepoPaths& paths, uint64_t page);

// After a write or a sync that failed: a meta page whose write failed may have reached the disk,
// and LMDB puts the old one back without a sync. The next commit uses the pages of the failed one
// again, so a power cut in it would leave a meta that leads to them. Writes both as they are seen,
// and syncs. For whoever holds the write lock. Throws Error.
void make_metas_durable(const RepoPaths& paths);

}  // namespace aimlog

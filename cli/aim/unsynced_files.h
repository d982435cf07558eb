// Files of RocksDB that are not synced one by one. A database of ours is built where nobody looks,
// and all of them are synced at once before they appear: some 15 waits for the disk less for each.
#pragma once

#include <rocksdb/env.h>

#include <memory>

namespace aimlog::aim {

// For the whole process; any thread.
rocksdb::Env* unsynced_environment();

}  // namespace aimlog::aim

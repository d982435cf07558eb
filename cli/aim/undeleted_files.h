// Files of RocksDB as if no range of keys had ever been deleted in them. Before each value that it
// writes Aim deletes the range of keys at and below the value's own: nine tenths of the points'
// files, which RocksDB would read, check and put in order whenever it opens one.
#pragma once

#include <rocksdb/env.h>

namespace aimlog::aim {

// For reading only, for the whole process; any thread. A table in which it does not find its way is
// left as it is: who ignores deleted ranges reads the same from it, only slower.
rocksdb::Env* undeleted_environment();

}  // namespace aimlog::aim

// LMDB's handles with owners, and its errors as ours. Only files of this folder include this.
#pragma once

#include <lmdb.h>

#include <cstddef>
#include <string>

#include "plugin/base/bytes.h"
#include "plugin/base/error.h"

namespace aimlog {

constexpr unsigned reader_count_max = 1024;              // at once, in all processes
constexpr size_t smallest_map_bytes = size_t{16} << 20;  // reserved beyond what is there

// MAP_FULL, after the map was grown: the transaction is gone and has to be made again.
class MapGrown : public Error {
 public:
  using Error::Error;
};

// Makes the map as large as another process has made the file. Not to LMDB's own idea of it, which
// is the largest map that anybody wished for. No transaction may be live. Returns LMDB's code;
// after a failure there is no map any more.
int follow_map(MDB_env* env);

// A forked child has no use for the map, and its copy would keep the file alive. LMDB does not say
// where its map is: it is the one that holds `inside`.
void keep_from_children(const void* inside);

// An LMDB result code as an Error; `what` is what was tried, with the file.
[[nodiscard]] Error lmdb_error(int code, const std::string& what);

inline MDB_val to_val(ByteView bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};  // LMDB does not write through it
}
inline ByteView to_view(const MDB_val& val) {
  return {static_cast<const char*>(val.mv_data), val.mv_size};
}

}  // namespace aimlog

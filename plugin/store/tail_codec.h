// The rows of a tail as they stand in the store: rows of one length side by side, byte by byte, so
// that the same byte of all their values lies together, then zstd. Rows of many runs that report
// the same metrics take a third so.
//
//   varint bytes of what the frame holds; zstd frame of groups:
//   varint rows, varint bytes of each result; all first bytes, all second bytes, ... of the rows,
//   each u32 run, u32 attempt, u64 sequence, u32 shape, result
#pragma once

#include "plugin/base/bytes.h"
#include "plugin/store/zstd_frame.h"

namespace aimlog {

// `rows`: as append_tail_row() makes them.
Bytes pack_tail(ByteView rows, ZstdCompressor& zstd);
// And back. Throws Error(corrupt).
Bytes unpack_tail(ByteView packed);

}  // namespace aimlog

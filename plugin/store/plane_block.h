// Words as planes of bytes, all first bytes, then all second bytes and so on, compressed by zstd:
// for what nothing simpler makes smaller. Of each word only the low `planes` bytes are kept.
#pragma once

#include <cstdint>
#include <span>

#include "plugin/base/bytes.h"
#include "plugin/store/chunk_format.h"
#include "plugin/store/zstd_frame.h"

namespace aimlog {

Bytes plane_block(BlockCodec codec, std::span<const uint64_t> words, unsigned planes,
                  ZstdCompressor& zstd);

// What follows the codec, to the end. Throws Error(corrupt).
void read_planes(ByteReader& in, std::span<uint64_t> words, unsigned planes);

}  // namespace aimlog

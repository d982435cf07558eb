// What the codecs of blocks are called where people read about them.
#pragma once

#include <string>

#include "plugin/store/chunk_format.h"

namespace aimlog::bench {

inline std::string codec_words(BlockCodec codec) {
  switch (codec) {
    case BlockCodec::raw:
      return "raw";
    case BlockCodec::constant:
      return "constant";
    case BlockCodec::packed:
      return "packed bits";
    case BlockCodec::delta_packed:
      return "packed deltas";
    case BlockCodec::planes:
      return "byte planes, zstd";
    case BlockCodec::xor_planes:
      return "XOR, byte planes, zstd";
    case BlockCodec::float32_planes:
      return "float32 planes, zstd";
    case BlockCodec::float32_xor_planes:
      return "float32 XOR planes, zstd";
    case BlockCodec::decimal:
      return "decimals";
    case BlockCodec::differences_packed:
      return "packed differences";
    case BlockCodec::real_packed:
      return "packed doubles";
    case BlockCodec::dictionary:
      return "dictionary";
    case BlockCodec::fraction:
      return "fractions";
  }
  return "unknown";
}

}  // namespace aimlog::bench

// Blocks of 64-bit words, each stored by the codec that makes it smallest. What the words are
// decides only which codecs are worth a try: every codec gives back every bit.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "plugin/base/bytes.h"
#include "plugin/store/chunk_format.h"
#include "plugin/store/zstd_frame.h"

namespace aimlog {

enum class WordKind { integer, real };

// Keeps working memory over many blocks. Not for several threads at once.
class BlockEncoder {
 public:
  // Appends the block; its end is known to the reader from elsewhere. At least one word.
  void append(Bytes& out, const std::vector<uint64_t>& words, WordKind kind);

 private:
  Bytes best_for_integers(const std::vector<uint64_t>& words);
  Bytes best_for_reals(const std::vector<uint64_t>& words);

  ZstdCompressor zstd_;
};

// Reads as many words as there is room for from a block that takes all that is left in `in`. Throws
// Error(corrupt).
void read_block(ByteReader& in, std::span<uint64_t> words);

// Of a block: which codec was chosen. For tests and statistics.
inline BlockCodec block_codec(ByteView block) { return static_cast<BlockCodec>(block.at(0)); }

}  // namespace aimlog

// Words as planes of bytes, all first bytes, then all second bytes and so on, compressed by zstd:
// for what nothing simpler makes smaller. Of each word only the low `planes` bytes are kept.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "plugin/base/bytes.h"
#include "plugin/store/chunk_format.h"

namespace aimlog {

// Keeps zstd's working memory over many blocks. Not for several threads at once.
class PlaneCompressor {
 public:
  PlaneCompressor();
  ~PlaneCompressor();
  PlaneCompressor(const PlaneCompressor&) = delete;
  PlaneCompressor& operator=(const PlaneCompressor&) = delete;

  Bytes block(BlockCodec codec, std::span<const uint64_t> words, unsigned planes);

 private:
  struct Zstd;
  std::unique_ptr<Zstd> zstd_;
};

// What follows the codec, to the end. Throws Error(corrupt).
void read_planes(ByteReader& in, std::span<uint64_t> words, unsigned planes);

}  // namespace aimlog

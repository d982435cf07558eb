#include "plugin/store/plane_block.h"

namespace aimlog {
namespace {

template <unsigned planes>
void join(const char* bytes, std::span<uint64_t> words) {
  const size_t count = words.size();
  for (size_t i = 0; i < count; ++i) {
    uint64_t word = 0;
    for (unsigned plane = 0; plane < planes; ++plane)
      word |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[plane * count + i]))
              << (8 * plane);
    words[i] = word;
  }
}

}  // namespace

Bytes plane_block(BlockCodec codec, std::span<const uint64_t> words, unsigned planes,
                  ZstdCompressor& zstd) {
  Bytes bytes(words.size() * planes, '\0');
  for (unsigned plane = 0; plane < planes; ++plane) {
    char* to = bytes.data() + plane * words.size();
    for (size_t i = 0; i < words.size(); ++i) to[i] = static_cast<char>(words[i] >> (8 * plane));
  }
  Bytes block(1, static_cast<char>(codec));
  zstd.append_frame(block, bytes);
  return block;
}

void read_planes(ByteReader& in, std::span<uint64_t> words, unsigned planes) {
  Bytes bytes(words.size() * planes, '\0');
  if (!read_frame(in.take(in.remaining()), bytes)) in.fail("a compressed block is broken");
  if (planes == 4) return join<4>(bytes.data(), words);
  join<8>(bytes.data(), words);
}

}  // namespace aimlog

#include "plugin/store/plane_block.h"

#include <zstd.h>

#include <new>

namespace aimlog {
namespace {

constexpr int zstd_level = 1;  // 3 was no smaller on planes and half as fast

// One context a thread: making one costs as much as some blocks.
ZSTD_DCtx* decompressor() {
  static thread_local const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(
      ZSTD_createDCtx(), &ZSTD_freeDCtx);
  if (context == nullptr) throw std::bad_alloc();
  return context.get();
}

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

struct PlaneCompressor::Zstd {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ~Zstd() { ZSTD_freeCCtx(context); }
  Bytes planes;
  Bytes frame;
};

PlaneCompressor::PlaneCompressor() : zstd_(std::make_unique<Zstd>()) {
  if (zstd_->context == nullptr) throw std::bad_alloc();
}
PlaneCompressor::~PlaneCompressor() = default;

Bytes PlaneCompressor::block(BlockCodec codec, std::span<const uint64_t> words, unsigned planes) {
  zstd_->planes.resize(words.size() * planes);
  for (unsigned plane = 0; plane < planes; ++plane) {
    char* bytes = zstd_->planes.data() + plane * words.size();
    for (size_t i = 0; i < words.size(); ++i) bytes[i] = static_cast<char>(words[i] >> (8 * plane));
  }
  zstd_->frame.resize(ZSTD_compressBound(zstd_->planes.size()));
  const size_t size = ZSTD_compressCCtx(zstd_->context, zstd_->frame.data(), zstd_->frame.size(),
                                        zstd_->planes.data(), zstd_->planes.size(), zstd_level);
  AIMLOG_CHECK(ZSTD_isError(size) == 0);
  Bytes block(1, static_cast<char>(codec));
  block.append(zstd_->frame, 0, size);
  return block;
}

void read_planes(ByteReader& in, std::span<uint64_t> words, unsigned planes) {
  const ByteView frame = in.take(in.remaining());
  Bytes bytes(words.size() * planes, '\0');
  // The room is what the count says: a frame that claims more is an error, not an allocation.
  const size_t size =
      ZSTD_decompressDCtx(decompressor(), bytes.data(), bytes.size(), frame.data(), frame.size());
  if (ZSTD_isError(size) != 0 || size != bytes.size()) in.fail("a compressed block is broken");
  if (planes == 4) return join<4>(bytes.data(), words);
  join<8>(bytes.data(), words);
}

}  // namespace aimlog

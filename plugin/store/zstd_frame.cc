#include "plugin/store/zstd_frame.h"

#include <zstd.h>

#include <new>

namespace aimlog {
namespace {

constexpr int level = 1;  // 3 was no smaller on planes and half as fast

}  // namespace

struct ZstdCompressor::Context {
  ZSTD_CCtx* zstd = ZSTD_createCCtx();
  Context() {
    if (zstd == nullptr) throw std::bad_alloc();
  }
  ~Context() { ZSTD_freeCCtx(zstd); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
};

ZstdCompressor::ZstdCompressor() = default;
ZstdCompressor::~ZstdCompressor() = default;

void ZstdCompressor::append_frame(Bytes& out, ByteView bytes) {
  if (!context_) context_ = std::make_unique<Context>();
  const size_t begin = out.size();
  out.resize(begin + ZSTD_compressBound(bytes.size()));
  const size_t size = ZSTD_compressCCtx(context_->zstd, out.data() + begin, out.size() - begin,
                                        bytes.data(), bytes.size(), level);
  AIMLOG_CHECK(ZSTD_isError(size) == 0);
  out.resize(begin + size);
}

bool read_frame(ByteView frame, std::span<char> bytes) {
  const size_t size = ZSTD_decompress(bytes.data(), bytes.size(), frame.data(), frame.size());
  return ZSTD_isError(size) == 0 && size == bytes.size();
}

}  // namespace aimlog

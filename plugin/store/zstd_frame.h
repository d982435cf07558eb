// zstd, behind one header.
#pragma once

#include <memory>
#include <span>

#include "plugin/base/bytes.h"

namespace aimlog {

// Keeps working memory over many frames, from the first one on: many batches have none. Not for
// several threads at once.
class ZstdCompressor {
 public:
  ZstdCompressor();
  ~ZstdCompressor();
  ZstdCompressor(const ZstdCompressor&) = delete;
  ZstdCompressor& operator=(const ZstdCompressor&) = delete;

  void append_frame(Bytes& out, ByteView bytes);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// False unless the frame is whole and holds exactly as many bytes as there is room for: what a
// damaged frame claims decides about no allocation.
[[nodiscard]] bool read_frame(ByteView frame, std::span<char> bytes);

}  // namespace aimlog

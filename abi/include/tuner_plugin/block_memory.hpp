// Memory that is given out piece by piece and taken back all at once.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "../tuner_plugin.h"

namespace tuner {

// Blocks never move and are kept over clear(): once they are as many as one round needs, nothing is
// allocated any more.
class BlockMemory {
 public:
  // All that was given out is dead.
  void clear() noexcept { block_ = used_ = 0; }

  // Aligned for every struct of the contract.
  void* allocate(size_t bytes) {
    bytes = (bytes + unit - 1) / unit * unit;
    for (; block_ < blocks_.size(); ++block_, used_ = 0) {
      if (blocks_[block_].bytes - used_ >= bytes) break;
    }
    if (block_ == blocks_.size()) {
      const size_t size = bytes > block_bytes ? bytes : block_bytes;
      blocks_.push_back({std::make_unique<uint64_t[]>(size / unit), size});
      used_ = 0;
    }
    char* at = reinterpret_cast<char*>(blocks_[block_].memory.get()) + used_;
    used_ += bytes;
    return at;
  }

  tuner_string copy(std::string_view bytes) {
    auto* to = static_cast<char*>(allocate(bytes.size()));
    if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
    return {to, bytes.size()};
  }

 private:
  static constexpr size_t unit = sizeof(uint64_t);
  static constexpr size_t block_bytes = 16384;
  struct Block {
    std::unique_ptr<uint64_t[]> memory;
    size_t bytes;
  };

  std::vector<Block> blocks_;
  size_t block_ = 0;  // the block in use, and how much of it
  size_t used_ = 0;
};

}  // namespace tuner

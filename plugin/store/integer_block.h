// Integers as packed differences: of no order, of neighbours, of those differences and so on,
// whichever is smallest. Counters and clocks need a few bits so, and smooth curves far fewer than
// their values.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "plugin/base/bytes.h"
#include "plugin/store/chunk_format.h"

namespace aimlog {

// The words, and which differences of them are to be written. Any 64-bit words; at least one.
class IntegerBlock {
 public:
  explicit IntegerBlock(std::vector<uint64_t> words);

  void append_to(Bytes& out) const;

 private:
  std::vector<uint64_t> differences_;  // of order_, behind the first one of each lower order
  unsigned order_ = 0;
};

// Reads what `codec` begins: as many words as there is room for. Throws Error(corrupt).
void read_integers(ByteReader& in, BlockCodec codec, std::span<uint64_t> words);

}  // namespace aimlog

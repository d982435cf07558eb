// Doubles as integers in the order of their values, packed as integers are (integer_block.h).
// Neighbours in a curve differ little, and so do their bits once the order is the same; what is
// exactly a float32, or has the same low bits zero throughout, needs fewer to begin with.
//
//   u8 flags; u8 how many low zero bits are left out; the integers as a block
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "plugin/base/bytes.h"

namespace aimlog {

// Doubles as float32 bits, where that loses nothing, NaN payloads included.
std::optional<std::vector<uint64_t>> narrow(std::span<const uint64_t> words);
// And back, in place.
void widen(std::span<uint64_t> words);

// `narrowed`: the same as narrow() gave it, where it did. At least one word.
Bytes real_block(std::span<const uint64_t> words,
                 const std::optional<std::vector<uint64_t>>& narrowed);

// What follows the codec. Throws Error(corrupt).
void read_real_block(ByteReader& in, std::span<uint64_t> words);

}  // namespace aimlog

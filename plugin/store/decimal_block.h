// Doubles that people wrote as decimals, 0.001 or 97.25, as integers over one power of ten:
// integer / 10^exponent gives back every bit.
//
//   u8 exponent; varint count of exceptions, and of each its distance from the one before (varint)
//   and its 8 bytes; the integers as a block (at exceptions any)
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "plugin/base/bytes.h"

namespace aimlog {

// Nothing where too few of the words are decimals for this to be worth it.
std::optional<Bytes> decimal_block(std::span<const uint64_t> words);

// What follows the codec. Throws Error(corrupt).
void read_decimals(ByteReader& in, std::span<uint64_t> words);

}  // namespace aimlog

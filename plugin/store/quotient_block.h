// Doubles that are an integer over one number, as these integers: decimals that people rounded,
// 0.001 or 97.25, and hits of a number of samples, 341 / 360. The division gives back every bit.
//
//   decimal: u8 exponent of ten
//   fraction: u8 flags; varint the number below
//   then varint count of exceptions, and of each its distance from the one before (varint) and its
//   8 bytes; the integers as a block (at exceptions any)
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "plugin/base/bytes.h"

namespace aimlog {

// Nothing where too few of the words are such for this to be worth it.
std::optional<Bytes> decimal_block(std::span<const uint64_t> words);
// `is_narrow`: all of them are float32 exactly.
std::optional<Bytes> fraction_block(std::span<const uint64_t> words, bool is_narrow);

// What follows the codec. Throws Error(corrupt).
void read_decimals(ByteReader& in, std::span<uint64_t> words);
void read_fractions(ByteReader& in, std::span<uint64_t> words);

}  // namespace aimlog

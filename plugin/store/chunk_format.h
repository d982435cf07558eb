// Numbers inside chunks; SCHEMA.md describes the bytes. Stored on disk: never renumber.
#pragma once

#include <cstddef>
#include <cstdint>

namespace aimlog {

inline constexpr uint8_t chunk_version = 2;

// From this version on the checksums of a chunk's parts begin with that of its head, and the
// value's own covers, after the key and the size (u64), only so many bytes.
inline constexpr uint8_t chunk_version_self_guarding = 2;
inline constexpr size_t chunk_bytes_tied_to_key = 64;

enum class Presence : uint8_t { none = 0, all = 1, bitmap = 2 };

// In the place of a NumberType: each value has its own.
inline constexpr uint8_t mixed_types = 255;

// How a block of 64-bit words is stored: its first byte.
enum class BlockCodec : uint8_t {
  raw = 1,             // 8 bytes each
  constant = 2,        // one word for all
  packed = 3,          // bits above the smallest of each group
  delta_packed = 4,    // the first, then differences as in `packed`
  planes = 5,          // first bytes, then second bytes ... then zstd
  xor_planes = 6,      // the same of each word XOR the one before
  float32_planes = 7,  // doubles that are float32 exactly: 4 planes, zstd
  float32_xor_planes = 8,
  decimal = 9,  // doubles that are an integer over a power of ten, as a nested integer block
  // Since version 2:
  differences_packed = 10,  // as 4, of a higher order
  real_packed = 11,         // bits of doubles, ordered as their values are, as an integer block
  dictionary = 12,          // few different words: these, then the place of each, packed
  fraction = 13,            // as `decimal`, over any number
};

// In `differences_packed`.
inline constexpr unsigned difference_order_max = 3;
// In `fraction`.
inline constexpr uint64_t fraction_denominator_max = 1 << 20;
inline constexpr uint8_t fraction_narrow = 1;      // computed in single precision
inline constexpr uint8_t fraction_complement = 2;  // 1 less the quotient
inline constexpr uint8_t fraction_flags = 3;
// In `dictionary`.
inline constexpr unsigned dictionary_words_max = 256;

// In `real_packed`, as flags.
inline constexpr uint8_t real_packed_narrow = 1;  // float32 bits

// Integers are packed in groups of so many, each with its own smallest value and width.
inline constexpr uint32_t packed_group = 128;

inline constexpr uint8_t decimal_exponent_max = 18;

}  // namespace aimlog

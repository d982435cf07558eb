// Integers in as few bits as their range needs, in groups of `packed_group`: per group the smallest
// value (zigzag varint), the width in bits (u8), then the distances from the smallest, low bits
// first. Arithmetic is modulo 2^64, so any 64-bit words come back as they were.
#pragma once

#include <cstdint>
#include <span>

#include "plugin/base/bytes.h"

namespace aimlog {

// As many bytes as append_packed() would write.
size_t packed_size(std::span<const uint64_t> words);
void append_packed(Bytes& out, std::span<const uint64_t> words);

// Reads as many words as there is room for. Throws Error(corrupt).
void read_packed(ByteReader& in, std::span<uint64_t> words);

}  // namespace aimlog

// Integers in as few bits as their range needs, in groups of `packed_group`: per group the smallest
// value (zigzag varint), the width in bits (u8), then the distances from the smallest, low bits
// first. Arithmetic is modulo 2^64, so any 64-bit words come back as they were.
#pragma once

#include <cstdint>
#include <vector>

#include "plugin/base/bytes.h"

namespace aimlog {

void append_packed(Bytes& out, const std::vector<uint64_t>& words);

// Reads as many words as `words` has. Throws Error(corrupt).
void read_packed(ByteReader& in, std::vector<uint64_t>& words);

// The differences of neighbours; the first word stays. And back.
std::vector<uint64_t> differences(const std::vector<uint64_t>& words);
void sum_up(std::vector<uint64_t>& words);

}  // namespace aimlog

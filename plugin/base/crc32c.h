// CRC-32C (Castagnoli), the checksum of journal records and stored values.
#pragma once

#include <cstddef>
#include <cstdint>

namespace aimlog {

// Continues `crc` (0 to begin) over `size` bytes. Uses the processor's instruction where it has
// one.
uint32_t crc32c(uint32_t crc, const void* data, size_t size);

// The same by table; kept apart so that a test can hold one against the other.
uint32_t crc32c_portable(uint32_t crc, const void* data, size_t size);

// Over the 8 bytes of `word` and then `size` bytes, in one call: the fastest way of this processor,
// for loops that should ask only once.
using Crc32cFunction = uint32_t (*)(uint32_t crc, uint64_t word, const void* data, size_t size);
Crc32cFunction fastest_crc32c();

}  // namespace aimlog

// 128-bit content hashes (XXH3): the same bytes have the same hash on every machine and in every
// version.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace aimlog {

using Hash128 = std::array<unsigned char, 16>;

// Stored on disk: never change the algorithm.
Hash128 hash128(std::string_view bytes);

// For tables in memory.
struct Hash128Hasher {
  size_t operator()(const Hash128& hash) const {
    uint64_t word;
    __builtin_memcpy(&word, hash.data(), sizeof word);
    return word;
  }
};

}  // namespace aimlog

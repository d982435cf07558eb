// Few different words: these once, by rising value, then the place of each, packed.
//
//   varint count of different words; these as an integer block; the places, packed
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "plugin/base/bytes.h"

namespace aimlog {

// Nothing where there are more than dictionary_words_max different words.
std::optional<Bytes> dictionary_block(std::span<const uint64_t> words);

// What follows the codec. Throws Error(corrupt).
void read_dictionary(ByteReader& in, std::span<uint64_t> words);

}  // namespace aimlog

#include "plugin/store/dictionary_block.h"

#include <algorithm>
#include <array>
#include <vector>

#include "plugin/store/bit_packing.h"
#include "plugin/store/chunk_format.h"
#include "plugin/store/integer_block.h"

namespace aimlog {
namespace {

// The different words, unless there are too many; in no order.
std::optional<std::vector<uint64_t>> different_words(std::span<const uint64_t> words) {
  constexpr size_t slots = 4 * dictionary_words_max;
  std::array<uint16_t, slots> table{};  // place in `found` and one, by hash
  std::vector<uint64_t> found;
  for (const uint64_t word : words) {
    size_t slot = (word * 0x9e3779b97f4a7c15) >> 54;
    static_assert(slots == 1024);
    while (table[slot] != 0 && found[table[slot] - 1u] != word) slot = (slot + 1) % slots;
    if (table[slot] != 0) continue;
    if (found.size() == dictionary_words_max) return std::nullopt;
    found.push_back(word);
    table[slot] = static_cast<uint16_t>(found.size());
  }
  return found;
}

}  // namespace

std::optional<Bytes> dictionary_block(std::span<const uint64_t> words) {
  auto different = different_words(words);
  if (!different) return std::nullopt;
  std::sort(different->begin(), different->end());
  std::vector<uint64_t> places(words.size());
  for (size_t i = 0; i < words.size(); ++i) {
    const auto place = std::lower_bound(different->begin(), different->end(), words[i]);
    places[i] = static_cast<uint64_t>(place - different->begin());
  }
  Bytes block(1, static_cast<char>(BlockCodec::dictionary));
  append_varint(block, different->size());
  IntegerBlock(*std::move(different)).append_to(block);
  append_packed(block, places);
  return block;
}

void read_dictionary(ByteReader& in, std::span<uint64_t> words) {
  std::vector<uint64_t> different(in.varint_up_to(dictionary_words_max));
  if (different.empty()) in.fail("its dictionary is empty");
  read_integers(in, static_cast<BlockCodec>(in.fixed<uint8_t>()), different);
  read_packed(in, words);
  for (uint64_t& word : words) {
    if (word >= different.size()) in.fail("a place is beyond its dictionary");
    word = different[word];
  }
}

}  // namespace aimlog

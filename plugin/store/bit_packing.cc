#include "plugin/store/bit_packing.h"

#include <algorithm>
#include <array>
#include <bit>

#include "plugin/store/chunk_format.h"

namespace aimlog {
namespace {

// Loads and stores reach so far over the end of what they are after.
constexpr size_t overhang = 16;
using GroupBytes = std::array<char, packed_group * 8 + overhang>;

struct Range {
  int64_t low = 0;
  unsigned width = 0;  // in bits, of the distances from the smallest
};

constexpr size_t bytes_of(size_t count, unsigned width) { return (count * width + 7) / 8; }

size_t varint_bytes(uint64_t value) {
  return (static_cast<size_t>(std::bit_width(value | 1)) + 6) / 7;
}

uint64_t load(const char* from) {
  uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

void store(char* to, uint64_t word) { std::memcpy(to, &word, sizeof word); }

Range range_of(std::span<const uint64_t> words) {
  auto low = static_cast<int64_t>(words[0]);
  int64_t high = low;
  for (const uint64_t word : words) {
    low = std::min(low, static_cast<int64_t>(word));
    high = std::max(high, static_cast<int64_t>(word));
  }
  const uint64_t distance = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  return {low, static_cast<unsigned>(std::bit_width(distance))};
}

void append_group(Bytes& out, std::span<const uint64_t> words) {
  const auto [low, width] = range_of(words);
  append_signed(out, low);
  out.push_back(static_cast<char>(width));
  if (width == 0) return;
  const auto base = static_cast<uint64_t>(low);
  GroupBytes bytes;
  char* to = bytes.data();
  uint64_t full = 0;  // bits that wait until there are 64 of them
  unsigned used = 0;
  for (const uint64_t word : words) {
    const uint64_t distance = word - base;
    full |= distance << used;
    used += width;
    if (used < 64) continue;
    store(to, full);
    to += 8;
    used -= 64;
    full = used == 0 ? 0 : distance >> (width - used);
  }
  store(to, full);
  out.append(bytes.data(), bytes_of(words.size(), width));
}

// `from` can be read 8 bytes beyond its end.
void unpack(const char* from, uint64_t base, unsigned width, std::span<uint64_t> words) {
  const uint64_t mask = width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
  size_t bit = 0;
  if (width <= 57) {
    for (uint64_t& word : words) {
      word = base + (load(from + bit / 8) >> bit % 8 & mask);
      bit += width;
    }
    return;
  }
  for (uint64_t& word : words) {
    const char* place = from + bit / 8;
    const unsigned shift = bit % 8;
    uint64_t distance = load(place) >> shift;
    if (shift + width > 64)
      distance |= static_cast<uint64_t>(static_cast<unsigned char>(place[8])) << (64 - shift);
    word = base + (distance & mask);
    bit += width;
  }
}

void read_group(ByteReader& in, std::span<uint64_t> words) {
  const auto base = static_cast<uint64_t>(in.signed_varint());
  const unsigned width = in.fixed<uint8_t>();
  if (width > 64) in.fail("a width is above 64 bits");
  if (width == 0) {
    std::fill(words.begin(), words.end(), base);
    return;
  }
  const ByteView packed = in.take(bytes_of(words.size(), width));
  if (in.remaining() >= overhang) return unpack(packed.data(), base, width, words);
  GroupBytes bytes;
  std::memcpy(bytes.data(), packed.data(), packed.size());
  std::memset(bytes.data() + packed.size(), 0, overhang);
  unpack(bytes.data(), base, width, words);
}

template <typename Word, typename Visit>
void each_group(std::span<Word> words, Visit&& visit) {
  for (size_t i = 0; i < words.size(); i += packed_group)
    visit(words.subspan(i, std::min<size_t>(packed_group, words.size() - i)));
}

}  // namespace

size_t packed_size(std::span<const uint64_t> words) {
  size_t size = 0;
  each_group(words, [&](std::span<const uint64_t> group) {
    const auto [low, width] = range_of(group);
    size += varint_bytes(zigzag(low)) + 1 + bytes_of(group.size(), width);
  });
  return size;
}

void append_packed(Bytes& out, std::span<const uint64_t> words) {
  each_group(words, [&](std::span<const uint64_t> group) { append_group(out, group); });
}

void read_packed(ByteReader& in, std::span<uint64_t> words) {
  each_group(words, [&](std::span<uint64_t> group) { read_group(in, group); });
}

}  // namespace aimlog

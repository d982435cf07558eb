#include "plugin/store/bit_packing.h"

#include <algorithm>
#include <array>
#include <bit>

#include "plugin/store/chunk_format.h"

namespace aimlog {
namespace {

// A group in whole words, with room for the loads and stores that reach over its end.
using GroupBytes = std::array<char, packed_group * 8 + 16>;

size_t packed_bytes(size_t count, unsigned width) { return (count * width + 7) / 8; }

uint64_t load(const char* from) {
  uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

void store(char* to, uint64_t word) { std::memcpy(to, &word, sizeof word); }

void append_group(Bytes& out, const uint64_t* words, size_t count) {
  int64_t low = static_cast<int64_t>(words[0]);
  int64_t high = low;
  for (size_t i = 1; i < count; ++i) {
    low = std::min(low, static_cast<int64_t>(words[i]));
    high = std::max(high, static_cast<int64_t>(words[i]));
  }
  const auto base = static_cast<uint64_t>(low);
  const auto width = static_cast<unsigned>(std::bit_width(static_cast<uint64_t>(high) - base));
  append_signed(out, low);
  out.push_back(static_cast<char>(width));
  GroupBytes bytes{};
  size_t bit = 0;
  for (size_t i = 0; i < count; ++i, bit += width) {
    const uint64_t distance = words[i] - base;
    char* place = bytes.data() + bit / 8;
    const unsigned shift = bit % 8;
    store(place, load(place) | distance << shift);
    if (shift + width > 64) place[8] = static_cast<char>(distance >> (64 - shift));
  }
  out.append(bytes.data(), packed_bytes(count, width));
}

void read_group(ByteReader& in, uint64_t* words, size_t count) {
  const auto base = static_cast<uint64_t>(in.signed_varint());
  const unsigned width = in.fixed<uint8_t>();
  if (width > 64) in.fail("a width is above 64 bits");
  if (width == 0) {
    std::fill_n(words, count, base);
    return;
  }
  const ByteView packed = in.take(packed_bytes(count, width));
  GroupBytes bytes;
  std::memcpy(bytes.data(), packed.data(), packed.size());
  std::memset(bytes.data() + packed.size(), 0, 16);
  const uint64_t mask = width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
  size_t bit = 0;
  for (size_t i = 0; i < count; ++i, bit += width) {
    const char* place = bytes.data() + bit / 8;
    const unsigned shift = bit % 8;
    uint64_t distance = load(place) >> shift;
    if (shift + width > 64) {
      distance |= static_cast<uint64_t>(static_cast<unsigned char>(place[8])) << (64 - shift);
    }
    words[i] = base + (distance & mask);
  }
}

}  // namespace

void append_packed(Bytes& out, const std::vector<uint64_t>& words) {
  for (size_t i = 0; i < words.size(); i += packed_group) {
    append_group(out, words.data() + i, std::min<size_t>(packed_group, words.size() - i));
  }
}

void read_packed(ByteReader& in, std::vector<uint64_t>& words) {
  for (size_t i = 0; i < words.size(); i += packed_group) {
    read_group(in, words.data() + i, std::min<size_t>(packed_group, words.size() - i));
  }
}

std::vector<uint64_t> differences(const std::vector<uint64_t>& words) {
  std::vector<uint64_t> result(words);
  for (size_t i = words.size(); i-- > 1;) result[i] -= result[i - 1];
  return result;
}

void sum_up(std::vector<uint64_t>& words) {
  for (size_t i = 1; i < words.size(); ++i) words[i] += words[i - 1];
}

}  // namespace aimlog

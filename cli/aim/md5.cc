#include "cli/aim/md5.h"

#include <array>
#include <bit>
#include <cmath>

#include "plugin/model/ids.h"

namespace aimlog::aim {
namespace {

using Digest = std::array<uint32_t, 4>;

constexpr int turns[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

std::array<uint32_t, 64> make_sines() {
  std::array<uint32_t, 64> sines{};
  for (size_t i = 0; i < sines.size(); ++i)
    sines[i] = static_cast<uint32_t>(std::floor(std::fabs(std::sin(i + 1.0)) * 4294967296.0));
  return sines;
}

void add_block(Digest& digest, ByteView block) {
  static const std::array<uint32_t, 64> sines = make_sines();
  std::array<uint32_t, 16> words;
  std::memcpy(words.data(), block.data(), sizeof words);
  auto [a, b, c, d] = digest;
  for (unsigned i = 0; i < 64; ++i) {
    uint32_t f = 0;
    unsigned g = 0;
    switch (i / 16) {
      case 0:
        f = (b & c) | (~b & d), g = i;
        break;
      case 1:
        f = (d & b) | (~d & c), g = (5 * i + 1) % 16;
        break;
      case 2:
        f = b ^ c ^ d, g = (3 * i + 5) % 16;
        break;
      default:
        f = c ^ (b | ~d), g = 7 * i % 16;
    }
    const uint32_t next = b + std::rotl(a + f + sines[i] + words[g], turns[i / 16][i % 4]);
    a = d, d = c, c = b, b = next;
  }
  digest = {digest[0] + a, digest[1] + b, digest[2] + c, digest[3] + d};
}

}  // namespace

std::string md5_hex(ByteView bytes) {
  Bytes padded(bytes);
  padded.push_back('\x80');
  while (padded.size() % 64 != 56) padded.push_back('\0');
  append_fixed(padded, static_cast<uint64_t>(bytes.size()) * 8);
  Digest digest = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  for (size_t at = 0; at < padded.size(); at += 64)
    add_block(digest, ByteView(padded).substr(at, 64));
  std::array<unsigned char, 16> raw;
  std::memcpy(raw.data(), digest.data(), sizeof raw);
  return to_hex(raw);
}

}  // namespace aimlog::aim

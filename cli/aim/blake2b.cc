#include "cli/aim/blake2b.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace aimlog::aim {
namespace {

constexpr size_t block_bytes = 128;
constexpr std::array<uint64_t, 8> initial = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

constexpr uint8_t sigma[10][16] = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                                   {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
                                   {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
                                   {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
                                   {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
                                   {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
                                   {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
                                   {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
                                   {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
                                   {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

using Words = std::array<uint64_t, 16>;

void mix(Words& v, unsigned a, unsigned b, unsigned c, unsigned d, uint64_t x, uint64_t y) {
  v[a] = v[a] + v[b] + x;
  v[d] = std::rotr(v[d] ^ v[a], 32);
  v[c] = v[c] + v[d];
  v[b] = std::rotr(v[b] ^ v[c], 24);
  v[a] = v[a] + v[b] + y;
  v[d] = std::rotr(v[d] ^ v[a], 16);
  v[c] = v[c] + v[d];
  v[b] = std::rotr(v[b] ^ v[c], 63);
}

void compress(std::array<uint64_t, 8>& h, const Words& m, uint64_t count, bool is_last) {
  Words v;
  std::copy(h.begin(), h.end(), v.begin());
  std::copy(initial.begin(), initial.end(), v.begin() + 8);
  v[12] ^= count;
  if (is_last) v[14] = ~v[14];
  for (unsigned round = 0; round < 12; ++round) {
    const uint8_t* s = sigma[round % 10];
    for (unsigned i = 0; i < 4; ++i) mix(v, i, 4 + i, 8 + i, 12 + i, m[s[2 * i]], m[s[2 * i + 1]]);
    for (unsigned i = 0; i < 4; ++i)
      mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[s[8 + 2 * i]],
          m[s[9 + 2 * i]]);
  }
  for (unsigned i = 0; i < 8; ++i) h[i] ^= v[i] ^ v[i + 8];
}

}  // namespace

int64_t blake2b_64(int64_t salt, ByteView bytes) {
  constexpr uint64_t digest_bytes = 8;
  std::array<uint64_t, 8> h = initial;
  h[0] ^= 0x01010000 ^ digest_bytes;
  h[4] ^= static_cast<uint64_t>(salt);
  size_t done = 0;
  for (;;) {
    const size_t here = std::min(block_bytes, bytes.size() - done);
    Words block{};
    if (here > 0) std::memcpy(block.data(), bytes.data() + done, here);
    done += here;
    compress(h, block, done, done == bytes.size());
    if (done == bytes.size()) break;
  }
  return static_cast<int64_t>(h[0]);
}

}  // namespace aimlog::aim

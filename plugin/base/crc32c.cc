#include "plugin/base/crc32c.h"

#include <algorithm>
#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#include <wmmintrin.h>
#endif

namespace aimlog {
namespace {

constexpr uint32_t polynomial = 0x82f63b78;  // reflected

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? polynomial : 0);
    table[byte] = crc;
  }
  return table;
}

constexpr std::array<uint32_t, 256> table = make_table();

#if defined(__x86_64__)
// x^n modulo the polynomial, reflected: bit 31 is x^0.
constexpr uint32_t times_x(uint32_t power) {
  return (power >> 1) ^ ((power & 1) != 0 ? polynomial : 0);
}

constexpr size_t lane_words_max = 128;

// What a checksum is multiplied by when so many words of 8 bytes follow it, for carry-less
// multiplication and a reduction by crc32 over the product, which brings x^33 of its own.
constexpr std::array<uint32_t, 2 * lane_words_max + 1> make_shifts() {
  std::array<uint32_t, 2 * lane_words_max + 1> shifts{};
  uint32_t power = 0x80000000;
  for (int bit = 0; bit < 64 - 33; ++bit) power = times_x(power);
  for (size_t words = 1; words < shifts.size(); ++words) {
    shifts[words] = power;
    for (int bit = 0; bit < 64; ++bit) power = times_x(power);
  }
  return shifts;
}

constexpr std::array<uint32_t, 2 * lane_words_max + 1> shifts = make_shifts();

uint64_t word_at(const unsigned char* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, 8);
  return word;
}

// The instruction takes three cycles but may begin each cycle, so three parts are summed up side by
// side and joined.
__attribute__((target("sse4.2,pclmul"))) uint64_t shifted(uint64_t state, size_t words) {
  const __m128i product =
      _mm_clmulepi64_si128(_mm_cvtsi32_si128(static_cast<int>(state)),
                           _mm_cvtsi32_si128(static_cast<int>(shifts[words])), 0);
  return _mm_crc32_u64(0, static_cast<uint64_t>(_mm_cvtsi128_si64(product)));
}

constexpr size_t lane_words_min = 24;  // below, joining saves little

// Sums up what is long, and leaves less than three lanes of it.
__attribute__((target("sse4.2,pclmul"), noinline)) uint64_t sum_lanes(uint64_t state,
                                                                      const unsigned char*& bytes,
                                                                      size_t& size) {
  while (size >= 3 * 8 * lane_words_min) {
    const size_t words = std::min(size / 24, lane_words_max);
    const unsigned char *first = bytes, *second = first + 8 * words, *third = second + 8 * words;
    uint64_t second_state = 0, third_state = 0;
    for (size_t i = 0; i < words; ++i) {
      state = _mm_crc32_u64(state, word_at(first + 8 * i));
      second_state = _mm_crc32_u64(second_state, word_at(second + 8 * i));
      third_state = _mm_crc32_u64(third_state, word_at(third + 8 * i));
    }
    state = shifted(state, 2 * words) ^ shifted(second_state, words) ^ third_state;
    bytes += 24 * words;
    size -= 24 * words;
  }
  return state;
}

__attribute__((target("sse4.2,pclmul"), always_inline)) inline uint32_t finish_lanes(
    uint64_t state, const void* data, size_t size) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  if (size >= 3 * 8 * lane_words_min) [[unlikely]]
    state = sum_lanes(state, bytes, size);
  for (; size >= 8; size -= 8, bytes += 8) state = _mm_crc32_u64(state, word_at(bytes));
  auto narrow = static_cast<uint32_t>(state);
  for (; size > 0; --size, ++bytes) narrow = _mm_crc32_u8(narrow, *bytes);
  return ~narrow;
}

__attribute__((target("sse4.2,pclmul"))) uint32_t crc32c_lanes(uint32_t crc, const void* data,
                                                               size_t size) {
  return finish_lanes(~crc, data, size);
}

__attribute__((target("sse4.2,pclmul"), hot)) uint32_t word_and_lanes(uint32_t crc, uint64_t word,
                                                                      const void* data,
                                                                      size_t size) {
  return finish_lanes(_mm_crc32_u64(~crc, word), data, size);
}

bool has_instructions() {
  return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}
#endif

uint32_t word_and_portable(uint32_t crc, uint64_t word, const void* data, size_t size) {
  return crc32c_portable(crc32c_portable(crc, &word, sizeof word), data, size);
}

}  // namespace

uint32_t crc32c_portable(uint32_t crc, const void* data, size_t size) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  crc = ~crc;
  for (size_t i = 0; i < size; ++i) crc = (crc >> 8) ^ table[(crc ^ bytes[i]) & 0xff];
  return ~crc;
}

Crc32cFunction fastest_crc32c() {
#if defined(__x86_64__)
  if (has_instructions()) return word_and_lanes;
#endif
  return word_and_portable;
}

uint32_t crc32c(uint32_t crc, const void* data, size_t size) {
#if defined(__x86_64__)
  if (has_instructions()) return crc32c_lanes(crc, data, size);
#endif
  return crc32c_portable(crc, data, size);
}

}  // namespace aimlog

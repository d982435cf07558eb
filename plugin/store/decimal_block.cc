#include "plugin/store/decimal_block.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "plugin/store/chunk_format.h"
#include "plugin/store/integer_block.h"

namespace aimlog {
namespace {

constexpr double powers_of_ten[decimal_exponent_max + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
// Added to a double below 2^51 it rounds to an integer, whose bits are then the low ones of the
// sum: without calls and branches, many values at a time.
constexpr double rounding = 0x1.8p52;
constexpr double rounded_below = 0x1p51;
constexpr size_t sample_first = 8;
constexpr size_t sample_max = 32;

struct Decimal {
  uint64_t integer;
  bool exact;  // the value is the same bits again after the division: tested, not argued
};

Decimal to_decimal(uint64_t word, double power) {
  const double scaled = std::bit_cast<double>(word) * power;
  const double sum = scaled + rounding;
  const double whole = sum - rounding;
  const bool exact = std::fabs(scaled) < rounded_below &&  // NaN is not
                     std::bit_cast<uint64_t>(whole / power) == word;
  return {std::bit_cast<uint64_t>(sum) - std::bit_cast<uint64_t>(rounding), exact};
}

size_t count_exact(std::span<const uint64_t> words, size_t stride, double power) {
  size_t hits = 0;
  for (size_t i = 0; i < words.size(); i += stride)
    hits += to_decimal(words[i], power).exact ? 1 : 0;
  return hits;
}

// The smallest exponent that fits most of a sample; the first few tell that nothing will.
std::optional<uint8_t> guess_exponent(std::span<const uint64_t> words) {
  for (const size_t sample : {sample_first, sample_max}) {
    const size_t stride = std::max<size_t>(1, words.size() / sample);
    const size_t tried = (words.size() + stride - 1) / stride;
    size_t best_hits = 0;
    uint8_t best = 0;
    for (uint8_t exponent = 0; exponent <= decimal_exponent_max; ++exponent) {
      const size_t hits = count_exact(words, stride, powers_of_ten[exponent]);
      if (hits > best_hits) {
        best_hits = hits;
        best = exponent;
      }
      if (hits == tried) break;
    }
    if (best_hits * 10 < tried * (sample == sample_first ? 5 : 8)) return std::nullopt;
    if (sample == sample_max) return best;
  }
  return std::nullopt;
}

double to_real(uint64_t integer, double power) {
  return static_cast<double>(static_cast<int64_t>(integer)) / power;
}

// The same for integers that `rounding` can hold: what most machines have no instruction for
// becomes an addition.
double small_to_real(uint64_t integer, double power) {
  const auto sum = std::bit_cast<double>(integer + std::bit_cast<uint64_t>(rounding));
  return (sum - rounding) / power;
}

void divide(std::span<uint64_t> integers, double power) {
  constexpr uint64_t half = uint64_t{1} << 51;
  uint64_t outside = 0;
  for (const uint64_t integer : integers) outside |= integer + half;
  const bool small = outside < 2 * half;
  for (uint64_t& word : integers)
    word = std::bit_cast<uint64_t>(small ? small_to_real(word, power) : to_real(word, power));
}

}  // namespace

std::optional<Bytes> decimal_block(std::span<const uint64_t> words) {
  const std::optional<uint8_t> exponent = guess_exponent(words);
  if (!exponent) return std::nullopt;
  const double power = powers_of_ten[*exponent];
  std::vector<uint64_t> integers(words.size());
  std::vector<uint32_t> exceptions;
  uint64_t last = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    const Decimal decimal = to_decimal(words[i], power);
    if (decimal.exact)
      last = decimal.integer;
    else
      exceptions.push_back(static_cast<uint32_t>(i));
    integers[i] = last;
  }
  if (exceptions.size() > words.size() / 8 + 1) return std::nullopt;

  Bytes block(1, static_cast<char>(BlockCodec::decimal));
  block.push_back(static_cast<char>(*exponent));
  append_varint(block, exceptions.size());
  uint32_t behind = 0;
  for (const uint32_t place : exceptions) {
    append_varint(block, place - behind);
    append_fixed(block, words[place]);
    behind = place;
  }
  IntegerBlock(std::move(integers)).append_to(block);
  return block;
}

void read_decimals(ByteReader& in, std::span<uint64_t> words) {
  const auto exponent = in.fixed<uint8_t>();
  if (exponent > decimal_exponent_max) in.fail("an exponent is too large");
  const uint64_t exception_count = in.varint_up_to(words.size());
  std::vector<std::pair<uint64_t, uint64_t>> exceptions;
  uint64_t place = 0;
  for (uint64_t i = 0; i < exception_count; ++i) {
    place += in.varint_up_to(words.size() - 1 - place);
    exceptions.emplace_back(place, in.fixed<uint64_t>());
  }
  read_integers(in, static_cast<BlockCodec>(in.fixed<uint8_t>()), words);
  divide(words, powers_of_ten[exponent]);
  for (const auto& [index, bits] : exceptions) words[index] = bits;
}

}  // namespace aimlog

#include "plugin/store/decimal_codec.h"

#include <bit>
#include <cmath>

#include "plugin/store/chunk_format.h"

namespace aimlog {
namespace {

constexpr double powers_of_ten[decimal_exponent_max + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
constexpr double exact_integers = 9007199254740992.0;  // 2^53
constexpr size_t sample_max = 32;

// A value and its integer are the same bits again after the division: this is tested, not argued.
bool to_decimal(uint64_t word, uint8_t exponent, uint64_t& integer) {
  const double scaled = std::bit_cast<double>(word) * powers_of_ten[exponent];
  if (!(std::fabs(scaled) < exact_integers)) return false;  // NaN too
  integer = static_cast<uint64_t>(std::llround(scaled));
  return from_decimal(integer, exponent) == word;
}

// The smallest exponent that fits most of a sample.
std::optional<uint8_t> guess_exponent(const std::vector<uint64_t>& words) {
  const size_t stride = std::max<size_t>(1, words.size() / sample_max);
  size_t best_hits = 0;
  uint8_t best = 0;
  size_t tried = 0;
  for (uint8_t exponent = 0; exponent <= decimal_exponent_max; ++exponent) {
    size_t hits = 0;
    tried = 0;
    uint64_t integer;
    for (size_t i = 0; i < words.size(); i += stride, ++tried) {
      hits += to_decimal(words[i], exponent, integer) ? 1 : 0;
    }
    if (hits > best_hits) {
      best_hits = hits;
      best = exponent;
    }
    if (hits == tried) break;
  }
  if (best_hits * 10 < tried * 8) return std::nullopt;
  return best;
}

}  // namespace

uint64_t from_decimal(uint64_t integer, uint8_t exponent) {
  return std::bit_cast<uint64_t>(static_cast<double>(static_cast<int64_t>(integer)) /
                                 powers_of_ten[exponent]);
}

std::optional<Decimals> find_decimals(const std::vector<uint64_t>& words) {
  const std::optional<uint8_t> exponent = guess_exponent(words);
  if (!exponent) return std::nullopt;
  Decimals result;
  result.exponent = *exponent;
  result.integers.resize(words.size());
  uint64_t last = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    uint64_t integer = last;
    if (to_decimal(words[i], *exponent, integer)) {
      last = integer;
    } else {
      result.exceptions.push_back(static_cast<uint32_t>(i));
      if (result.exceptions.size() > words.size() / 8 + 1) return std::nullopt;
    }
    result.integers[i] = last;
  }
  return result;
}

}  // namespace aimlog

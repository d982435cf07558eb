#include "plugin/store/quotient_block.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <utility>
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

// What the integers are divided by, and how.
struct Divisor {
  double number = 1;
  uint8_t flags = 0;  // of a fraction

  bool is(uint8_t flag) const { return (flags & flag) != 0; }
  // In the same steps as somebody took, for each of them rounds.
  double divide(double whole) const {
    if (flags == 0) return whole / number;
    if (!is(fraction_narrow)) return 1 - whole / number;
    const float narrow = static_cast<float>(whole) / static_cast<float>(number);
    return static_cast<double>(is(fraction_complement) ? 1 - narrow : narrow);
  }
  // About the integer.
  double multiply(double value) const {
    return (is(fraction_complement) ? 1 - value : value) * number;
  }
};

struct Quotient {
  uint64_t integer;
  bool exact;  // the value is the same bits again after the division: tested, not argued
};

Quotient to_quotient(uint64_t word, const Divisor& divisor) {
  const double scaled = divisor.multiply(std::bit_cast<double>(word));
  const double sum = scaled + rounding;
  const double whole = sum - rounding;
  const bool exact = std::fabs(scaled) < rounded_below &&  // NaN is not
                     std::bit_cast<uint64_t>(divisor.divide(whole)) == word;
  return {std::bit_cast<uint64_t>(sum) - std::bit_cast<uint64_t>(rounding), exact};
}

// Every so many words, so that there are about as many as `sample`.
std::vector<uint64_t> sample_of(std::span<const uint64_t> words, size_t sample) {
  std::vector<uint64_t> chosen;
  for (size_t i = 0; i < words.size(); i += std::max<size_t>(1, words.size() / sample))
    chosen.push_back(words[i]);
  return chosen;
}

size_t count_exact(const std::vector<uint64_t>& sample, const Divisor& divisor) {
  return static_cast<size_t>(std::count_if(sample.begin(), sample.end(), [&](uint64_t word) {
    return to_quotient(word, divisor).exact;
  }));
}

// The smallest exponent that fits most of a sample; the first few tell that nothing will.
std::optional<uint8_t> guess_exponent(std::span<const uint64_t> words) {
  for (const size_t size : {sample_first, sample_max}) {
    const std::vector<uint64_t> sample = sample_of(words, size);
    size_t best_hits = 0;
    uint8_t best = 0;
    for (uint8_t exponent = 0; exponent <= decimal_exponent_max; ++exponent) {
      const size_t hits = count_exact(sample, {powers_of_ten[exponent]});
      if (hits > best_hits) {
        best_hits = hits;
        best = exponent;
      }
      if (hits == sample.size()) break;
    }
    if (best_hits * 10 < sample.size() * (size == sample_first ? 5 : 8)) return std::nullopt;
    if (size == sample_max) return best;
  }
  return std::nullopt;
}

// The smallest number below that gives the value: from the convergents of its continued fraction.
// 0 if there is none.
uint64_t denominator_of(uint64_t word, uint8_t flags) {
  const double value = Divisor{1, flags}.multiply(std::bit_cast<double>(word));
  if (!(std::fabs(value) < rounded_below)) return 0;
  double rest = value - std::floor(value);
  uint64_t before = 0, below = 1;
  while (below <= fraction_denominator_max) {
    if (to_quotient(word, {static_cast<double>(below), flags}).exact) return below;
    if (rest < 0x1p-40) return 0;
    rest = 1 / rest;
    const double term = std::floor(rest);
    if (term > static_cast<double>(fraction_denominator_max)) return 0;
    rest -= term;
    before = std::exchange(below, static_cast<uint64_t>(term) * below + before);
  }
  return 0;
}

std::optional<Divisor> guess_denominator(std::span<const uint64_t> words, uint8_t flags) {
  for (const size_t size : {sample_first, sample_max}) {
    const std::vector<uint64_t> sample = sample_of(words, size);
    uint64_t common = 1;
    size_t misses = 0;
    for (const uint64_t word : sample) {
      const uint64_t below = denominator_of(word, flags);
      const uint64_t joint = below == 0 ? 0 : std::lcm(common, below);
      if (joint == 0 || joint > fraction_denominator_max)
        ++misses;
      else
        common = joint;
      if (misses * 5 > sample.size()) return std::nullopt;
    }
    if (size == sample_max && common > 1) return Divisor{static_cast<double>(common), flags};
  }
  return std::nullopt;
}

// Appends exceptions and integers; false where there are too many exceptions.
bool append_quotients(Bytes& out, std::span<const uint64_t> words, const Divisor& divisor) {
  std::vector<uint64_t> integers(words.size());
  std::vector<uint32_t> exceptions;
  uint64_t last = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    const Quotient quotient = to_quotient(words[i], divisor);
    if (quotient.exact)
      last = quotient.integer;
    else
      exceptions.push_back(static_cast<uint32_t>(i));
    integers[i] = last;
  }
  if (exceptions.size() > words.size() / 8 + 1) return false;
  append_varint(out, exceptions.size());
  uint32_t behind = 0;
  for (const uint32_t place : exceptions) {
    append_varint(out, place - behind);
    append_fixed(out, words[place]);
    behind = place;
  }
  IntegerBlock(std::move(integers)).append_to(out);
  return true;
}

double to_real(uint64_t integer) { return static_cast<double>(static_cast<int64_t>(integer)); }

// The same for integers that `rounding` can hold: what most machines have no instruction for
// becomes an addition.
double small_to_real(uint64_t integer) {
  return std::bit_cast<double>(integer + std::bit_cast<uint64_t>(rounding)) - rounding;
}

template <typename ToReal>
void divide_with(std::span<uint64_t> integers, const Divisor& divisor, const ToReal& to) {
  for (uint64_t& word : integers) word = std::bit_cast<uint64_t>(to(word) / divisor.number);
}

void divide(std::span<uint64_t> integers, const Divisor& divisor) {
  if (divisor.flags != 0) {
    for (uint64_t& word : integers) word = std::bit_cast<uint64_t>(divisor.divide(to_real(word)));
    return;
  }
  constexpr uint64_t half = uint64_t{1} << 51;
  uint64_t outside = 0;
  for (const uint64_t integer : integers) outside |= integer + half;
  if (outside < 2 * half) return divide_with(integers, divisor, small_to_real);
  divide_with(integers, divisor, to_real);
}

void read_quotients(ByteReader& in, std::span<uint64_t> words, const Divisor& divisor) {
  const uint64_t exception_count = in.varint_up_to(words.size());
  std::vector<std::pair<uint64_t, uint64_t>> exceptions;
  uint64_t place = 0;
  for (uint64_t i = 0; i < exception_count; ++i) {
    place += in.varint_up_to(words.size() - 1 - place);
    exceptions.emplace_back(place, in.fixed<uint64_t>());
  }
  read_integers(in, static_cast<BlockCodec>(in.fixed<uint8_t>()), words);
  divide(words, divisor);
  for (const auto& [index, bits] : exceptions) words[index] = bits;
}

}  // namespace

std::optional<Bytes> decimal_block(std::span<const uint64_t> words) {
  const std::optional<uint8_t> exponent = guess_exponent(words);
  if (!exponent) return std::nullopt;
  Bytes block(1, static_cast<char>(BlockCodec::decimal));
  block.push_back(static_cast<char>(*exponent));
  if (!append_quotients(block, words, {powers_of_ten[*exponent]})) return std::nullopt;
  return block;
}

std::optional<Bytes> fraction_block(std::span<const uint64_t> words, bool is_narrow) {
  const uint8_t precision = is_narrow ? fraction_narrow : 0;
  for (const uint8_t way : {uint8_t{0}, fraction_complement}) {
    const auto flags = static_cast<uint8_t>(way | precision);
    const std::optional<Divisor> divisor = guess_denominator(words, flags);
    if (!divisor) continue;
    Bytes block(1, static_cast<char>(BlockCodec::fraction));
    block.push_back(static_cast<char>(flags));
    append_varint(block, static_cast<uint64_t>(divisor->number));
    if (append_quotients(block, words, *divisor)) return block;
  }
  return std::nullopt;
}

void read_decimals(ByteReader& in, std::span<uint64_t> words) {
  const auto exponent = in.fixed<uint8_t>();
  if (exponent > decimal_exponent_max) in.fail("an exponent is too large");
  read_quotients(in, words, {powers_of_ten[exponent]});
}

void read_fractions(ByteReader& in, std::span<uint64_t> words) {
  const auto flags = in.fixed<uint8_t>();
  if (flags > fraction_flags) in.fail("its flags are unknown");
  const uint64_t below = in.varint_up_to(fraction_denominator_max);
  if (below == 0) in.fail("it divides by nothing");
  read_quotients(in, words, {static_cast<double>(below), flags});
}

}  // namespace aimlog

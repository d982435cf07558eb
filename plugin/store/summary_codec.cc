#include "plugin/store/summary_codec.h"

#include <bit>

namespace aimlog {
namespace {

// Stored on disk: never renumber.
enum Flag : uint32_t {
  last_is_first = 1,
  min_is_first = 2,
  min_is_last = 4,
  max_is_first = 8,
  max_is_last = 16,
  sum_has_rest = 32,
  has_odd_values = 64,  // NaN or infinities
  steps_fall = 128,
};
constexpr uint64_t known_flags = 255;

// Stored on disk: never renumber.
enum class NumberForm : uint8_t {
  none = 0,
  boolean = 1,
  int64 = 2,   // zigzag
  uint64 = 3,  // varint
  float64 = 4,
  float32 = 5,        // a double that is one exactly
  whole_float64 = 6,  // a double that is an integer: zigzag
};

constexpr double whole_below = 0x1p48;

bool is_small_whole(double real) {
  if (!(real > -whole_below && real < whole_below)) return false;
  const double back = static_cast<double>(static_cast<int64_t>(real));
  return std::bit_cast<uint64_t>(back) == std::bit_cast<uint64_t>(real);  // not -0.0
}

void append_real(Bytes& out, uint64_t bits) {
  const auto real = std::bit_cast<double>(bits);
  const auto narrow = static_cast<float>(real);
  if (is_small_whole(real)) {
    append_fixed(out, static_cast<uint8_t>(NumberForm::whole_float64));
    append_signed(out, static_cast<int64_t>(real));
  } else if (std::bit_cast<uint64_t>(static_cast<double>(narrow)) == bits) {
    append_fixed(out, static_cast<uint8_t>(NumberForm::float32));
    append_fixed(out, std::bit_cast<uint32_t>(narrow));
  } else {
    append_fixed(out, static_cast<uint8_t>(NumberForm::float64));
    append_fixed(out, bits);
  }
}

void append_number(Bytes& out, Number number) {
  if (number.type == NumberType::float64) return append_real(out, number.bits);
  append_fixed(out, static_cast<uint8_t>(number.type));  // the forms of all others
  if (number.type == NumberType::int64) append_signed(out, static_cast<int64_t>(number.bits));
  if (number.type == NumberType::uint64 || number.type == NumberType::boolean)
    append_varint(out, number.bits);
}

Number read_number(ByteReader& in) {
  switch (static_cast<NumberForm>(in.fixed<uint8_t>())) {
    case NumberForm::none:
      return {};
    case NumberForm::boolean:
      return {NumberType::boolean, in.varint()};
    case NumberForm::int64:
      return Number::of(in.signed_varint());
    case NumberForm::uint64:
      return Number::of(in.varint());
    case NumberForm::float64:
      return {NumberType::float64, in.fixed<uint64_t>()};
    case NumberForm::float32:
      return Number::of(static_cast<double>(std::bit_cast<float>(in.fixed<uint32_t>())));
    case NumberForm::whole_float64:
      return Number::of(static_cast<double>(in.signed_varint()));
  }
  in.fail("a form of number is unknown");
}

// A value of a series and the step it came at.
struct At {
  Number number;
  int64_t step = 0;
  bool operator==(const At&) const = default;
};

void append_at(Bytes& out, const At& at, int64_t first_step) {
  append_number(out, at.number);
  append_signed(out, static_cast<int64_t>(static_cast<uint64_t>(at.step) -
                                          static_cast<uint64_t>(first_step)));
}

At read_at(ByteReader& in, int64_t first_step) {
  At at;
  at.number = read_number(in);
  at.step = static_cast<int64_t>(static_cast<uint64_t>(in.signed_varint()) +
                                 static_cast<uint64_t>(first_step));
  return at;
}

}  // namespace

void append_summary(Bytes& out, const SeriesKey& key, const SeriesSummary& s) {
  const At first{s.first, s.first_step}, last{s.last, s.last_step};
  const At min{s.min, s.min_step}, max{s.max, s.max_step};
  const bool odd = s.nan_count != 0 || s.infinite_count != 0;
  // Bits, not values: a rest of -0.0 is one.
  const bool rest = std::bit_cast<uint64_t>(s.finite_sum_low) != 0;
  const uint32_t flags = (last == first ? last_is_first : 0u) | (min == first ? min_is_first : 0u) |
                         (min == last ? min_is_last : 0u) | (max == first ? max_is_first : 0u) |
                         (max == last ? max_is_last : 0u) | (rest ? sum_has_rest : 0u) |
                         (odd ? has_odd_values : 0u) | (s.steps_rise ? 0u : steps_fall);
  append_varint(out, flags);
  append_varint(out, key.name);
  append_varint(out, key.context);
  append_varint(out, s.count);
  append_at(out, first, 0);
  if ((flags & last_is_first) == 0) append_at(out, last, s.first_step);
  if ((flags & (min_is_first | min_is_last)) == 0) append_at(out, min, s.first_step);
  if ((flags & (max_is_first | max_is_last)) == 0) append_at(out, max, s.first_step);
  append_real(out, std::bit_cast<uint64_t>(s.finite_sum));
  if (rest) append_fixed(out, std::bit_cast<uint64_t>(s.finite_sum_low));
  if (!odd) return;
  append_varint(out, s.nan_count);
  append_varint(out, s.infinite_count);
}

NamedSummary read_summary(ByteReader& in) {
  const uint64_t flags = in.varint_up_to(known_flags);
  const auto has = [&](uint64_t mask) { return (flags & mask) != 0; };
  SeriesKey key;
  key.name = static_cast<NameId>(in.varint_up_to(UINT32_MAX));
  key.context = static_cast<ContextId>(in.varint_up_to(UINT32_MAX));
  SeriesSummary s;
  s.count = in.varint();
  const At first = read_at(in, 0);
  const At last = has(last_is_first) ? first : read_at(in, first.step);
  const auto extreme = [&](uint64_t is_first, uint64_t is_last) {
    return has(is_first) ? first : has(is_last) ? last : read_at(in, first.step);
  };
  const At min = extreme(min_is_first, min_is_last);
  const At max = extreme(max_is_first, max_is_last);
  s.first = first.number;
  s.first_step = first.step;
  s.last = last.number;
  s.last_step = last.step;
  s.min = min.number;
  s.min_step = min.step;
  s.max = max.number;
  s.max_step = max.step;
  s.finite_sum = read_number(in).as_double();
  if (has(sum_has_rest)) s.finite_sum_low = std::bit_cast<double>(in.fixed<uint64_t>());
  if (has(has_odd_values)) {
    s.nan_count = in.varint();
    s.infinite_count = in.varint();
  }
  s.steps_rise = !has(steps_fall);
  return {key, s};
}

}  // namespace aimlog

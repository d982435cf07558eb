#include "plugin/model/number.h"

#include <charconv>

namespace aimlog {
namespace {

// An integer of either sign, wide enough for both 64-bit types.
__int128_t as_integer(Number number) {
  return number.type == NumberType::int64
             ? static_cast<__int128_t>(static_cast<int64_t>(number.bits))
             : static_cast<__int128_t>(number.bits);
}

// Beyond +-2^65 every double is above or below every integer of ours; inside, the integral part
// fits __int128.
std::partial_ordering compare_mixed(__int128_t integer, double real) {
  constexpr double beyond = 36893488147419103232.0;  // 2^65
  if (std::isnan(real)) return std::partial_ordering::unordered;
  if (real >= beyond) return std::partial_ordering::less;
  if (real <= -beyond) return std::partial_ordering::greater;
  const double floor = std::floor(real);
  const auto whole = static_cast<__int128_t>(floor);
  if (integer != whole)
    return integer < whole ? std::partial_ordering::less : std::partial_ordering::greater;
  return real > floor ? std::partial_ordering::less : std::partial_ordering::equivalent;
}

}  // namespace

std::partial_ordering compare(Number a, Number b) {
  if (!a.exists() || !b.exists()) return std::partial_ordering::unordered;
  const bool a_real = a.type == NumberType::float64;
  const bool b_real = b.type == NumberType::float64;
  if (a_real && b_real) return a.as_double() <=> b.as_double();
  if (a_real) return 0 <=> compare_mixed(as_integer(b), a.as_double());
  if (b_real) return compare_mixed(as_integer(a), b.as_double());
  const __int128_t x = as_integer(a);
  const __int128_t y = as_integer(b);
  if (x == y) return std::partial_ordering::equivalent;
  return x < y ? std::partial_ordering::less : std::partial_ordering::greater;
}

std::string to_text(Number number) {
  char text[40];
  std::to_chars_result end{};
  switch (number.type) {
    case NumberType::none:
      return "";
    case NumberType::int64:
      end = std::to_chars(text, text + sizeof text, static_cast<int64_t>(number.bits));
      break;
    case NumberType::float64: {
      const double value = number.as_double();
      if (std::isnan(value)) return "nan";
      if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
      end = std::to_chars(text, text + sizeof text, value);
      break;
    }
    default:
      end = std::to_chars(text, text + sizeof text, number.bits);
  }
  return std::string(text, end.ptr);
}

const char* type_name(NumberType type) {
  switch (type) {
    case NumberType::boolean:
      return "bool";
    case NumberType::int64:
      return "int64";
    case NumberType::uint64:
      return "uint64";
    case NumberType::float64:
      return "double";
    case NumberType::none:
      break;
  }
  return "none";
}

}  // namespace aimlog

// A number as the host gave it: type and all 64 bits.
#pragma once

#include <bit>
#include <cmath>
#include <compare>
#include <cstdint>
#include <string>

namespace aimlog {

// Stored on disk: never renumber.
enum class NumberType : uint8_t { none = 0, boolean = 1, int64 = 2, uint64 = 3, float64 = 4 };
constexpr NumberType last_of(NumberType) { return NumberType::float64; }

struct Number {
  NumberType type = NumberType::none;
  uint64_t bits = 0;

  static Number of(bool value) { return {NumberType::boolean, value ? 1u : 0u}; }
  static Number of(int64_t value) { return {NumberType::int64, static_cast<uint64_t>(value)}; }
  static Number of(uint64_t value) { return {NumberType::uint64, value}; }
  static Number of(double value) { return {NumberType::float64, std::bit_cast<uint64_t>(value)}; }

  // Bit for bit, so that NaN equals itself and 0.0 differs from -0.0.
  bool operator==(const Number&) const = default;

  bool exists() const { return type != NumberType::none; }
  double as_double() const {
    switch (type) {
      case NumberType::int64:
        return static_cast<double>(static_cast<int64_t>(bits));
      case NumberType::float64:
        return std::bit_cast<double>(bits);
      case NumberType::none:
        return std::nan("");
      default:
        return static_cast<double>(bits);
    }
  }
  bool is_nan() const { return type == NumberType::float64 && std::isnan(as_double()); }
  bool is_infinite() const { return type == NumberType::float64 && std::isinf(as_double()); }
};

// By value, exactly, across types: 2^53+1 as an integer is above 2^53 as a double. NaN is
// unordered; -0.0 equals 0.0.
std::partial_ordering compare(Number a, Number b);

// Shortest text that reads back as the same number: "1", "0.1", "1e-07", "nan", "inf", "-inf".
std::string to_text(Number number);

// "bool", "int64", "uint64", "double".
const char* type_name(NumberType type);

}  // namespace aimlog

// Doubles that people wrote as decimals, 0.001 or 97.25, as integers over one power of ten.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "plugin/base/bytes.h"

namespace aimlog {

// integer / 10^exponent gives back every bit of a value, except at `exceptions`.
struct Decimals {
  uint8_t exponent = 0;
  std::vector<uint64_t> integers;  // one a value; a repetition of the one before at exceptions
  std::vector<uint32_t> exceptions;
};

// nullopt where too few of the values are decimals for this to be worth it.
std::optional<Decimals> find_decimals(const std::vector<uint64_t>& words);

// The value's bits.
uint64_t from_decimal(uint64_t integer, uint8_t exponent);

}  // namespace aimlog

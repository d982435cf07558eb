#include "cli/aim/aim_hash.h"

#include <algorithm>
#include <cmath>

#include "cli/aim/aim_format.h"
#include "cli/aim/blake2b.h"

namespace aimlog::aim {
namespace {

// Python's hash of a float, but -1 stays -1 and NaN is 0.
int64_t python_hash(double number) {
  constexpr int bits = 61;
  constexpr uint64_t modulus = (uint64_t{1} << bits) - 1;
  if (std::isnan(number)) return 0;
  if (std::isinf(number)) return number > 0 ? 314159 : -314159;
  int exponent = 0;
  double mantissa = std::frexp(std::fabs(number), &exponent);
  uint64_t hash = 0;
  while (mantissa != 0) {
    hash = ((hash << 28) & modulus) | (hash >> (bits - 28));
    mantissa *= 268435456.0;  // 2^28
    exponent -= 28;
    const auto whole = static_cast<uint64_t>(mantissa);
    mantissa -= static_cast<double>(whole);
    hash += whole;
    if (hash >= modulus) hash -= modulus;
  }
  exponent = exponent >= 0 ? exponent % bits : bits - 1 - ((-1 - exponent) % bits);
  hash = ((hash << exponent) & modulus) | (hash >> (bits - exponent));
  const auto result = static_cast<int64_t>(hash);
  return number < 0 ? -result : result;
}

Bytes bytes_of(int64_t number) {
  Bytes bytes;
  append_fixed(bytes, number);
  return bytes;
}

int64_t hash_map(const ValueMap& map) {
  std::vector<std::pair<int64_t, int64_t>> items;  // hash of the key, of key and value
  for (const auto& [key, value] : map) {
    const int64_t of_key = blake2b_64(text_salt, key);
    items.emplace_back(of_key,
                       blake2b_64(list_salt, bytes_of(of_key) + bytes_of(hash_value(value))));
  }
  std::sort(items.begin(), items.end());
  Bytes all;
  for (const auto& [key, item] : items) append_fixed(all, item);
  return blake2b_64(map_salt, all);
}

}  // namespace

int64_t hash_number(double number) {
  return blake2b_64(number_salt, bytes_of(python_hash(number)));
}

int64_t hash_value(const Value& value) {
  if (const Number* number = value.number()) return hash_number(number->as_double());
  if (const std::string* text = value.text()) return blake2b_64(text_salt, *text);
  if (const auto* binary = std::get_if<BinaryBytes>(&value.data))
    return blake2b_64(bytes_salt, binary->bytes);
  if (const ValueMap* map = value.map()) return hash_map(*map);
  if (const ValueList* list = value.list()) {
    Bytes all;
    for (const Value& each : *list) append_fixed(all, hash_value(each));
    return blake2b_64(list_salt, all);
  }
  return none_hash;
}

}  // namespace aimlog::aim

// Walking over UTF-8 text that may be anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace aimlog {

// Of bytes that are not UTF-8, each is a character of its own, above all code points.
struct Utf8Character {
  uint32_t code = 0;
  uint32_t bytes = 1;
  bool valid = true;
};

inline Utf8Character next_character(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const uint32_t first = byte(0);
  if (first < 0x80) return {first, 1, true};
  const Utf8Character invalid = {0x110000 + first, 1, false};
  const uint32_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() - at < length) return invalid;
  uint32_t code = first & (0x7fu >> length);
  for (uint32_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return invalid;
    code = (code << 6) | (byte(i) & 0x3fu);
  }
  constexpr uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < smallest[length] || surrogate || code > 0x10ffff) return invalid;
  return {code, length, true};
}

}  // namespace aimlog

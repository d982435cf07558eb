// Building and reading little-endian byte strings; the base of every on-disk codec of ours.
// Reading is bounds-checked and throws Error(corrupt): no input can make it read outside.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "plugin/base/error.h"

namespace aimlog {

static_assert(std::endian::native == std::endian::little, "on-disk formats are little-endian");

using Bytes = std::string;          // owned bytes
using ByteView = std::string_view;  // borrowed bytes

template <std::integral T>
void append_fixed(Bytes& out, T value) {
  char raw[sizeof(T)];
  std::memcpy(raw, &value, sizeof(T));
  out.append(raw, sizeof(T));
}

// LEB128: 7 bits a byte, low bits first.
inline void append_varint(Bytes& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

// Small negative numbers stay short.
inline uint64_t zigzag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
inline int64_t unzigzag(uint64_t value) {
  return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1));
}
inline void append_signed(Bytes& out, int64_t value) { append_varint(out, zigzag(value)); }

// Length as varint, then the bytes.
inline void append_string(Bytes& out, ByteView text) {
  append_varint(out, text.size());
  out.append(text);
}

class ByteReader {
 public:
  // `what` names the thing being read in error texts; it must outlive the reader.
  ByteReader(ByteView bytes, const char* what) : bytes_(bytes), what_(what) {}

  template <std::integral T>
  T fixed() {
    const ByteView raw = take(sizeof(T));
    T value;
    std::memcpy(&value, raw.data(), sizeof(T));
    return value;
  }

  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = fixed<uint8_t>();
      if (shift == 63 && byte > 1) break;
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    fail("a number is too long");
  }

  // A varint that must not be above `max`: counts and sizes are checked before anything is
  // allocated.
  uint64_t varint_up_to(uint64_t max) {
    const uint64_t value = varint();
    if (value > max) fail("a count is too large");
    return value;
  }

  int64_t signed_varint() { return unzigzag(varint()); }
  ByteView string() { return take(varint_up_to(remaining())); }

  ByteView take(uint64_t count) {
    if (count > remaining()) fail("it ends too early");
    const ByteView result = bytes_.substr(position_, count);
    position_ += count;
    return result;
  }

  uint64_t remaining() const { return bytes_.size() - position_; }
  uint64_t position() const { return position_; }
  bool at_end() const { return remaining() == 0; }
  void expect_end() const {
    if (!at_end()) fail("bytes are left over");
  }

  [[noreturn]] void fail(const char* why) const {
    throw Error(ErrorCode::corrupt, std::string("damaged ") + what_ + ": " + why + " at byte " +
                                        std::to_string(position_));
  }

 private:
  ByteView bytes_;
  const char* what_;
  uint64_t position_ = 0;
};

}  // namespace aimlog

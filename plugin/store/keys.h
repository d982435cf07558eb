// Keys of the store's tables: fixed-width parts, numbers big-endian, so that LMDB's byte order is
// the order of the numbers. SCHEMA.md lists them.
#pragma once

#include <array>
#include <concepts>
#include <type_traits>

#include "plugin/base/bytes.h"

namespace aimlog {

class Key {
 public:
  Key() = default;
  template <typename Kind>
  requires std::is_enum_v<Kind>
  explicit Key(Kind kind) { bytes_.push_back(static_cast<char>(kind)); }
  template <std::unsigned_integral T>
  Key& add(T number) {
    for (int shift = 8 * (sizeof(T) - 1); shift >= 0; shift -= 8) {
      bytes_.push_back(static_cast<char>(number >> shift));
    }
    return *this;
  }
  template <size_t N>
  Key& add(const std::array<unsigned char, N>& id) {
    bytes_.append(reinterpret_cast<const char*>(id.data()), N);
    return *this;
  }
  Key& add_bytes(ByteView bytes) {
    bytes_.append(bytes);
    return *this;
  }
  operator ByteView() const { return bytes_; }  // NOLINT(google-explicit-constructor): it is bytes

 private:
  Bytes bytes_;
};

// Takes a key apart again. Throws Error(corrupt) for a key of another length.
class KeyReader {
 public:
  explicit KeyReader(ByteView key) : in_(key, "key") {}

  template <typename T>
  T number() {
    T value = 0;
    for (const char byte : in_.take(sizeof(T))) {
      value = static_cast<T>(static_cast<T>(value << 8) | static_cast<unsigned char>(byte));
    }
    return value;
  }
  template <size_t N>
  std::array<unsigned char, N> id() {
    std::array<unsigned char, N> id;
    std::memcpy(id.data(), in_.take(N).data(), N);
    return id;
  }
  KeyReader& skip(size_t bytes) {
    in_.take(bytes);
    return *this;
  }

 private:
  ByteReader in_;
};

}  // namespace aimlog

// One list of fields serves both directions: a type says once, in a function
//
//   template <typename Codec> void fields(Codec& c, Type& t) { each(c, t.first, t.second); }
//
// which fields it has in which order on disk; FieldEncoder writes them and FieldDecoder reads
// them. New fields go to the end of a list.
#pragma once

#include <array>
#include <bit>
#include <string>
#include <type_traits>
#include <vector>

#include "plugin/base/bytes.h"

namespace aimlog {

template <typename Codec, typename... Fields>
void each(Codec& codec, Fields&... fields) {
  (codec(fields), ...);
}

class FieldEncoder {
 public:
  explicit FieldEncoder(Bytes& out) : out_(out) {}

  template <size_t N>
  void operator()(std::array<unsigned char, N>& id) {
    out_.append(reinterpret_cast<const char*>(id.data()), N);
  }
  // An enum's largest number is found by argument-dependent lookup: `E last_of(E)`.
  template <typename E>
  requires std::is_enum_v<E>
  void operator()(E& value) { out_.push_back(static_cast<char>(value)); }
  void operator()(bool& value) { out_.push_back(value ? 1 : 0); }
  void operator()(int32_t& value) { append_signed(out_, value); }
  void operator()(int64_t& value) { append_signed(out_, value); }
  void operator()(uint32_t& value) { append_varint(out_, value); }
  void operator()(uint64_t& value) { append_varint(out_, value); }
  void operator()(double& value) { append_fixed(out_, std::bit_cast<uint64_t>(value)); }
  void operator()(std::string& value) { append_string(out_, value); }
  template <typename T>
  void operator()(std::vector<T>& values) {
    append_varint(out_, values.size());
    for (T& item : values) (*this)(item);
  }
  // For 64 bits that are no small number.
  void all_bits(uint64_t& value) { append_fixed(out_, value); }

 private:
  Bytes& out_;
};

// What is read when the bytes end before the fields do: a record that is never extended is damaged
// then; a row written by an older version is not, and keeps the defaults.
enum class MissingFields { error, keep_defaults };

class FieldDecoder {
 public:
  explicit FieldDecoder(ByteReader& in, MissingFields missing = MissingFields::error)
      : in_(in), missing_(missing) {}

  template <size_t N>
  void operator()(std::array<unsigned char, N>& id) {
    if (ended()) return;
    std::memcpy(id.data(), in_.take(N).data(), N);
  }
  template <typename E>
  requires std::is_enum_v<E>
  void operator()(E& value) {
    if (ended()) return;
    const auto number = in_.fixed<uint8_t>();
    if (number > static_cast<uint8_t>(last_of(E{}))) in_.fail("a choice is unknown");
    value = static_cast<E>(number);
  }
  void operator()(bool& value) {
    if (!ended()) value = in_.fixed<uint8_t>() != 0;
  }
  void operator()(int32_t& value) {
    if (!ended()) value = static_cast<int32_t>(in_.signed_varint());
  }
  void operator()(int64_t& value) {
    if (!ended()) value = in_.signed_varint();
  }
  void operator()(uint32_t& value) {
    if (!ended()) value = static_cast<uint32_t>(in_.varint_up_to(UINT32_MAX));
  }
  void operator()(uint64_t& value) {
    if (!ended()) value = in_.varint();
  }
  void operator()(double& value) {
    if (!ended()) value = std::bit_cast<double>(in_.fixed<uint64_t>());
  }
  void operator()(std::string& value) {
    if (!ended()) value = in_.string();
  }
  template <typename T>
  void operator()(std::vector<T>& values) {
    if (ended()) return;
    const uint64_t count = in_.varint_up_to(in_.remaining());
    values.clear();
    for (uint64_t i = 0; i < count; ++i) {
      if (in_.at_end()) in_.fail("a list is cut");
      (*this)(values.emplace_back());
    }
  }
  void all_bits(uint64_t& value) {
    if (!ended()) value = in_.fixed<uint64_t>();
  }

 private:
  bool ended() const { return missing_ == MissingFields::keep_defaults && in_.at_end(); }

  ByteReader& in_;
  MissingFields missing_;
};

}  // namespace aimlog

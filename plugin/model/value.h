// An owned tree of values: params, config, contexts, texts. Decoded from and encoded to bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "plugin/base/bytes.h"
#include "plugin/model/number.h"

namespace aimlog {

// Stored on disk, and the same numbers as the ABI's tags: never renumber.
enum class ValueTag : uint8_t {
  null = 0,
  boolean = 1,
  int64 = 2,
  uint64 = 3,
  float64 = 4,
  string = 5,
  bytes = 6,
  list = 7,
  map = 8,
};

struct Value;
using ValueList = std::vector<Value>;
using ValueMap = std::vector<std::pair<std::string, Value>>;  // in the host's order

struct BinaryBytes {
  std::string bytes;
  bool operator==(const BinaryBytes&) const = default;
};

// Numbers are compared bit for bit. What is declared here and defined in value.cc is what a
// compiler would otherwise make up, and need a complete Value for, while it is still reading the
// class.
struct Value {
  using Data = std::variant<std::monostate, Number, std::string, BinaryBytes, ValueList, ValueMap>;

  Value();
  Value(Data value);  // NOLINT(google-explicit-constructor): what it holds is the value
  Value(const Value& other);
  Value(Value&& other) noexcept;
  Value& operator=(const Value& other);
  Value& operator=(Value&& other) noexcept;
  ~Value();
  bool operator==(const Value& other) const;

  Data data;

  bool is_null() const { return data.index() == 0; }
  const Number* number() const { return std::get_if<Number>(&data); }
  const std::string* text() const { return std::get_if<std::string>(&data); }
  const ValueList* list() const { return std::get_if<ValueList>(&data); }
  const ValueMap* map() const { return std::get_if<ValueMap>(&data); }
};

// Encoding: tag byte, then nothing (null), one byte (bool), 8 bytes (numbers), length and bytes
// (string, bytes), count and items (list), count and key, value pairs (map); lengths and counts are
// varints.
void append_value(Bytes& out, const Value& value);

// Throws Error(corrupt); never more than value_depth_max lists and maps in each other.
Value read_value(ByteReader& reader);
Value decode_value(ByteView bytes);
// Throws what decode_value() would, and makes nothing.
void check_value(ByteView bytes);

inline constexpr unsigned value_depth_max = 64;

// A nested map as flat "a/b" names with leaves, in order; lists stay whole. The empty map has no
// leaves.
std::vector<std::pair<std::string, Value>> flatten(const ValueMap& map);
// The same of an encoded map, with nothing decoded: name and encoded value of each leaf, valid
// during the call. Nothing where the value is no map. Throws Error(corrupt).
void each_leaf(ByteView encoded, const std::function<void(ByteView name, ByteView value)>& visit);

}  // namespace aimlog

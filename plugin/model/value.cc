#include "plugin/model/value.h"

namespace aimlog {
namespace {

void append_tag(Bytes& out, ValueTag tag) { out.push_back(static_cast<char>(tag)); }

struct Appender {
  Bytes& out;

  void operator()(std::monostate) const { append_tag(out, ValueTag::null); }
  void operator()(const Number& number) const {
    AIMLOG_CHECK(number.exists());
    out.push_back(
        static_cast<char>(number.type));  // number types and value tags share their numbers
    if (number.type == NumberType::boolean) {
      out.push_back(static_cast<char>(number.bits));
    } else {
      append_fixed(out, number.bits);
    }
  }
  void operator()(const std::string& text) const {
    append_tag(out, ValueTag::string);
    append_string(out, text);
  }
  void operator()(const BinaryBytes& binary) const {
    append_tag(out, ValueTag::bytes);
    append_string(out, binary.bytes);
  }
  void operator()(const ValueList& list) const {
    append_tag(out, ValueTag::list);
    append_varint(out, list.size());
    for (const Value& item : list) append_value(out, item);
  }
  void operator()(const ValueMap& map) const {
    append_tag(out, ValueTag::map);
    append_varint(out, map.size());
    for (const auto& [key, value] : map) {
      append_string(out, key);
      append_value(out, value);
    }
  }
};

Value read_nested(ByteReader& reader, unsigned depth);

ValueList read_list(ByteReader& reader, unsigned depth) {
  ValueList list;
  const uint64_t count = reader.varint_up_to(reader.remaining());
  for (uint64_t i = 0; i < count; ++i) list.push_back(read_nested(reader, depth + 1));
  return list;
}

ValueMap read_map(ByteReader& reader, unsigned depth) {
  ValueMap map;
  const uint64_t count = reader.varint_up_to(reader.remaining());
  for (uint64_t i = 0; i < count; ++i) {
    std::string key(reader.string());
    map.emplace_back(std::move(key), read_nested(reader, depth + 1));
  }
  return map;
}

Value read_nested(ByteReader& reader, unsigned depth) {
  const auto tag = static_cast<ValueTag>(reader.fixed<uint8_t>());
  const bool is_container = tag == ValueTag::list || tag == ValueTag::map;
  if (is_container && depth > value_depth_max) reader.fail("it is nested too deeply");
  switch (tag) {
    case ValueTag::null:
      return {};
    case ValueTag::boolean:
      return {Number::of(reader.fixed<uint8_t>() != 0)};
    case ValueTag::int64:
      return {Number{NumberType::int64, reader.fixed<uint64_t>()}};
    case ValueTag::uint64:
      return {Number{NumberType::uint64, reader.fixed<uint64_t>()}};
    case ValueTag::float64:
      return {Number{NumberType::float64, reader.fixed<uint64_t>()}};
    case ValueTag::string:
      return {std::string(reader.string())};
    case ValueTag::bytes:
      return {BinaryBytes{std::string(reader.string())}};
    case ValueTag::list:
      return {read_list(reader, depth)};
    case ValueTag::map:
      return {read_map(reader, depth)};
  }
  reader.fail("a tag is unknown");
}

void skip_value(ByteReader& reader, unsigned depth) {
  const auto tag = static_cast<ValueTag>(reader.fixed<uint8_t>());
  const bool is_container = tag == ValueTag::list || tag == ValueTag::map;
  if (is_container && depth > value_depth_max) reader.fail("it is nested too deeply");
  if (tag == ValueTag::null) return;
  if (tag == ValueTag::boolean) {
    reader.take(1);
  } else if (tag <= ValueTag::float64) {
    reader.take(sizeof(uint64_t));
  } else if (tag == ValueTag::string || tag == ValueTag::bytes) {
    reader.string();
  } else if (is_container) {
    for (uint64_t i = reader.varint_up_to(reader.remaining()); i > 0; --i) {
      if (tag == ValueTag::map) reader.string();
      skip_value(reader, depth + 1);
    }
  } else {
    reader.fail("a tag is unknown");
  }
}

// `prefix` is as it was when this returns. The reader stands behind the map's tag.
void visit_leaves(ByteView encoded, ByteReader& reader, std::string& prefix, unsigned depth,
                  const std::function<void(ByteView, ByteView)>& visit) {
  if (depth > value_depth_max) reader.fail("it is nested too deeply");
  const size_t outer = prefix.size();
  for (uint64_t i = reader.varint_up_to(reader.remaining()); i > 0; --i) {
    const ByteView key = reader.string();
    const uint64_t begin = reader.position();
    const bool nested = !reader.at_end() && encoded[begin] == static_cast<char>(ValueTag::map);
    if (!nested) {
      skip_value(reader, depth + 1);
      const ByteView value = encoded.substr(begin, reader.position() - begin);
      if (outer == 0) {
        visit(key, value);
      } else {
        prefix += key;
        visit(prefix, value);
      }
    } else {
      reader.take(1);
      prefix += key;
      if (!prefix.empty()) prefix.push_back('/');
      visit_leaves(encoded, reader, prefix, depth + 1, visit);
    }
    prefix.resize(outer);
  }
}

void flatten_into(const ValueMap& map, const std::string& prefix,
                  std::vector<std::pair<std::string, Value>>& out) {
  for (const auto& [key, value] : map) {
    const std::string name = prefix.empty() ? key : prefix + "/" + key;
    if (const ValueMap* nested = value.map()) {
      flatten_into(*nested, name, out);
    } else {
      out.emplace_back(name, value);
    }
  }
}

}  // namespace

Value::Value() = default;
Value::Value(Data value) : data(std::move(value)) {}
Value::Value(const Value& other) = default;
Value::Value(Value&& other) noexcept = default;
Value& Value::operator=(const Value& other) = default;
Value& Value::operator=(Value&& other) noexcept = default;
Value::~Value() = default;
bool Value::operator==(const Value& other) const { return data == other.data; }

void append_value(Bytes& out, const Value& value) { std::visit(Appender{out}, value.data); }

Value read_value(ByteReader& reader) { return read_nested(reader, 1); }

Value decode_value(ByteView bytes) {
  ByteReader reader(bytes, "value");
  Value value = read_value(reader);
  reader.expect_end();
  return value;
}

void check_value(ByteView bytes) {
  ByteReader reader(bytes, "value");
  skip_value(reader, 1);
  reader.expect_end();
}

std::vector<std::pair<std::string, Value>> flatten(const ValueMap& map) {
  std::vector<std::pair<std::string, Value>> out;
  flatten_into(map, "", out);
  return out;
}

void each_leaf(ByteView encoded, const std::function<void(ByteView, ByteView)>& visit) {
  if (encoded.empty() || encoded[0] != static_cast<char>(ValueTag::map)) return;
  ByteReader reader(encoded, "value");
  reader.take(1);
  std::string prefix;
  visit_leaves(encoded, reader, prefix, 1, visit);
  reader.expect_end();
}

}  // namespace aimlog

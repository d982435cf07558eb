#include "cli/aim/tree_codec.h"

#include <algorithm>
#include <set>

#include "cli/aim/aim_format.h"
#include "plugin/base/utf8.h"

namespace aimlog::aim {
namespace {

constexpr size_t index_bytes = 8;

Bytes typed(ValueType type) { return Bytes(1, static_cast<char>(type)); }

template <typename T>
Bytes typed(ValueType type, T content) {
  Bytes bytes = typed(type);
  append_fixed(bytes, content);
  return bytes;
}

bool is_below(ByteView key, ByteView path) { return key.starts_with(path); }

// Takes the next key off the front of `rest`.
std::optional<PathKey> take_key(ByteView& rest) {
  if (rest[0] == key_end) {
    if (rest.size() < index_bytes + 2 || rest[index_bytes + 1] != key_end) return std::nullopt;
    uint64_t index = 0;
    for (size_t i = 1; i <= index_bytes; ++i)
      index = index << 8 | static_cast<unsigned char>(rest[i]);
    rest.remove_prefix(index_bytes + 2);
    return static_cast<int64_t>(index);
  }
  const size_t end = rest.find(key_end);
  if (end == ByteView::npos) return std::nullopt;
  std::string name(rest.substr(0, end));
  rest.remove_prefix(end + 1);
  return name;
}

Value& child(ValueMap& map, std::string name) {
  if (map.empty() || map.back().first != name) map.emplace_back(std::move(name), Value{});
  return map.back().second;
}

std::string name_of(const PathKey& key) {
  if (const auto* name = std::get_if<std::string>(&key)) return *name;
  return std::to_string(std::get<int64_t>(key));
}

using Place = Tree::const_iterator;

// Folds what stands in [at, end) at `path` and below, and moves `at` behind it.
std::optional<Value> fold_range(Place& at, Place end, const Bytes& path, unsigned depth);

// What stands below `path`, by key, in the order of the store.
std::vector<std::pair<PathKey, Value>> fold_items(Place& at, Place end, const Bytes& path,
                                                  unsigned depth) {
  std::vector<std::pair<PathKey, Value>> items;
  while (at != end && is_below(at->first, path)) {
    ByteView rest = ByteView(at->first).substr(path.size());
    const ByteView whole = rest;
    const auto key = rest.empty() ? std::nullopt : take_key(rest);
    if (!key || depth == value_depth_max) {
      ++at;
      continue;
    }
    const Bytes below = path + Bytes(whole.substr(0, whole.size() - rest.size()));
    if (auto value = fold_range(at, end, below, depth + 1))
      items.emplace_back(*key, std::move(*value));
  }
  return items;
}

std::optional<Value> fold_range(Place& at, Place end, const Bytes& path, unsigned depth) {
  std::optional<Value> own;
  bool array = false, object = false;
  if (at != end && at->first == path) {
    own = decode_scalar(at->second);
    array = !at->second.empty() && at->second[0] == static_cast<char>(ValueType::array);
    object = !at->second.empty() && at->second[0] == static_cast<char>(ValueType::object);
    ++at;
  }
  auto items = fold_items(at, end, path, depth);
  if (array) {
    ValueList list;
    for (auto& [key, value] : items) list.push_back(std::move(value));
    return Value{std::move(list)};
  }
  if (items.empty() && !object) return own;
  ValueMap map;
  for (auto& [key, value] : items) child(map, name_of(key)) = std::move(value);
  return Value{std::move(map)};
}

}  // namespace

void append_key(Bytes& path, ByteView name) {
  path.append(name);
  path.push_back(key_end);
}

void append_key(Bytes& path, int64_t index) {
  path.push_back(key_end);
  const auto bits = static_cast<uint64_t>(index);
  for (int shift = 56; shift >= 0; shift -= 8) path.push_back(static_cast<char>(bits >> shift));
  path.push_back(key_end);
}

Bytes encode_path(const Path& path) {
  Bytes bytes;
  for (const PathKey& key : path)
    std::visit([&](const auto& each) { append_key(bytes, each); }, key);
  return bytes;
}

std::optional<Path> decode_path(ByteView bytes) {
  Path path;
  while (!bytes.empty()) {
    auto key = take_key(bytes);
    if (!key) return std::nullopt;
    path.push_back(std::move(*key));
  }
  return path;
}

Number fit_number(const Number& number) {
  if (number.type != NumberType::uint64) return number;
  if (number.bits <= INT64_MAX) return Number::of(static_cast<int64_t>(number.bits));
  return Number::of(number.as_double());
}

Bytes encode_number(const Number& number) {
  const Number fit = fit_number(number);
  switch (fit.type) {
    case NumberType::boolean:
      return typed(ValueType::boolean, static_cast<uint8_t>(fit.bits != 0));
    case NumberType::int64:
      return typed(ValueType::integer, fit.bits);
    case NumberType::float64:
      return typed(ValueType::real, fit.bits);
    default:
      return typed(ValueType::none);
  }
}

Bytes encode_text(ByteView text) { return typed(ValueType::text).append(text); }

std::optional<Value> decode_scalar(ByteView bytes) {
  if (bytes.empty()) return std::nullopt;
  const auto type = static_cast<ValueType>(bytes[0]);
  const ByteView content = bytes.substr(1);
  uint64_t bits = 0;
  if (content.size() == sizeof bits) std::memcpy(&bits, content.data(), sizeof bits);
  switch (type) {
    case ValueType::none:
      return Value{};
    case ValueType::boolean:
      if (content.size() != 1) return std::nullopt;
      return Value{Number::of(content[0] != 0)};
    case ValueType::integer:
      if (content.size() != sizeof bits) return std::nullopt;
      return Value{Number::of(static_cast<int64_t>(bits))};
    case ValueType::real:
      if (content.size() != sizeof bits) return std::nullopt;
      return Value{Number{NumberType::float64, bits}};
    case ValueType::text:
      return Value{std::string(content)};
    case ValueType::bytes:
      return Value{BinaryBytes{std::string(content)}};
    default:
      return std::nullopt;
  }
}

std::string fit_name(ByteView name) {
  if (name.empty()) return "(empty)";
  std::string fit;
  append_repaired_utf8(fit, name);
  return fit;
}

Value fit_for_aim(const Value& value) {
  if (const Number* number = value.number()) return Value{fit_number(*number)};
  if (const std::string* text = value.text()) {
    std::string fit;
    append_repaired_utf8(fit, *text);
    return Value{std::move(fit)};
  }
  if (const ValueList* list = value.list()) {
    ValueList fit;
    for (const Value& each : *list) fit.push_back(fit_for_aim(each));
    return Value{std::move(fit)};
  }
  if (const ValueMap* map = value.map()) {
    ValueMap fit;
    std::map<std::string, size_t> places;  // the last of several wins, as in a dict
    for (const auto& [key, item] : *map) {
      const auto [place, is_new] = places.try_emplace(fit_name(key), fit.size());
      if (is_new)
        fit.emplace_back(place->first, fit_for_aim(item));
      else
        fit[place->second].second = fit_for_aim(item);
    }
    return Value{std::move(fit)};
  }
  return value;
}

void unfold(Tree& tree, const Bytes& path, const Value& value) {
  if (const Number* number = value.number()) {
    tree[path] = encode_number(*number);
  } else if (const std::string* text = value.text()) {
    tree[path] = encode_text(*text);
  } else if (const auto* binary = std::get_if<BinaryBytes>(&value.data)) {
    tree[path] = typed(ValueType::bytes).append(binary->bytes);
  } else if (const ValueList* list = value.list()) {
    tree[path] = typed(ValueType::array);
    for (size_t i = 0; i < list->size(); ++i) {
      Bytes below = path;
      append_key(below, static_cast<int64_t>(i));
      unfold(tree, below, (*list)[i]);
    }
  } else if (const ValueMap* map = value.map()) {
    if (map->empty()) tree[path] = typed(ValueType::object);
    for (const auto& [key, item] : *map) {
      Bytes below = path;
      append_key(below, key);
      unfold(tree, below, item);
    }
  } else {
    tree[path] = typed(ValueType::none);
  }
}

std::optional<Value> fold(const Tree& tree, const Bytes& path) {
  auto at = tree.lower_bound(path);
  return fold_range(at, tree.end(), path, 0);
}

std::vector<PathKey> keys_below(const Tree& tree, const Bytes& path) {
  std::vector<PathKey> keys;
  for (auto at = tree.upper_bound(path); at != tree.end() && is_below(at->first, path);) {
    ByteView rest = ByteView(at->first).substr(path.size());
    const ByteView whole = rest;
    const auto key = take_key(rest);
    if (!key) {
      ++at;
      continue;
    }
    keys.push_back(*key);
    Bytes behind = path + Bytes(whole.substr(0, whole.size() - rest.size()));
    behind.back() = '\xff';  // behind everything below this key
    at = tree.lower_bound(behind);
  }
  return keys;
}

}  // namespace aimlog::aim

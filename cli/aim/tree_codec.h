// Aim's trees: a value at a path, as keys and values of a sorted store.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "plugin/base/bytes.h"
#include "plugin/model/value.h"

namespace aimlog::aim {

// What one database of Aim's holds, in its order.
using Tree = std::map<Bytes, Bytes>;

using PathKey = std::variant<std::string, int64_t>;
using Path = std::vector<PathKey>;

// A name must not be empty and must be UTF-8 (see fit_for_aim).
void append_key(Bytes& path, ByteView name);
void append_key(Bytes& path, int64_t index);
Bytes encode_path(const Path& path);
// Nothing for bytes that are no path, such as an empty name, which Aim lets in and cannot read.
std::optional<Path> decode_path(ByteView bytes);

Bytes encode_number(const Number& number);
Bytes encode_text(ByteView text);
// Nothing for what is no scalar (arrays, objects, custom ones) and for damaged bytes.
std::optional<Value> decode_scalar(ByteView bytes);

// The value as Aim can hold it: names are UTF-8 and never empty nor twice in a map, unsigned
// numbers beyond int64 are doubles.
Value fit_for_aim(const Value& value);
std::string fit_name(ByteView name);
Number fit_number(const Number& number);

// Adds `value` at `path`: scalars there, elements and items below.
void unfold(Tree& tree, const Bytes& path, const Value& value);

// The value at `path`, put together again from all that stands there and below. Nothing if nothing
// does. What cannot be decoded is left out.
std::optional<Value> fold(const Tree& tree, const Bytes& path);

// The items that stand directly below `path`, by their key.
std::vector<PathKey> keys_below(const Tree& tree, const Bytes& path);

}  // namespace aimlog::aim

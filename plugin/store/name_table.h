// Names of metrics, contexts, and shapes of results: text to number and back.
#pragma once

#include <optional>
#include <string>

#include "plugin/model/ids.h"
#include "plugin/store/environment.h"
#include "plugin/store/rows.h"

namespace aimlog {

// Finds or makes the number of a metric's name (any bytes, any length) or of a context (an encoded
// map; empty = 0).
NameId intern_name(WriteTransaction& txn, ByteView name);
ContextId intern_context(WriteTransaction& txn, ByteView encoded_context);

std::optional<NameId> find_name(const Transaction& txn, ByteView name);
std::string get_name(const Transaction& txn, NameId id);  // throws Error(corrupt) for an unknown id
Bytes get_context(const Transaction& txn, ContextId context);  // encoded map; empty for 0

ShapeNumber put_shape(WriteTransaction& txn, const ShapeRow& row);  // finds or makes
std::optional<ShapeNumber> find_shape(const Transaction& txn, const Hash128& hash);
ShapeRow get_shape(const Transaction& txn, ShapeNumber number);

}  // namespace aimlog

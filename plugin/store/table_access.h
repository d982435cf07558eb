// What the tables share: numbers, rows that must be there, indexes.
#pragma once

#include "plugin/store/environment.h"
#include "plugin/store/keys.h"
#include "plugin/store/row_codec.h"
#include "plugin/store/store_format.h"

namespace aimlog {

// The next of a dense sequence from 1. No number is given twice, also after rows were erased.
inline uint32_t next_number(WriteTransaction& txn, Counter counter) {
  const Key key = Key(MetaKind::next_number).add(static_cast<uint8_t>(counter));
  const std::optional<ByteView> stored = txn.get(Table::meta, key);
  const uint32_t number = stored ? decode_number_32(*stored) : 1;
  AIMLOG_CHECK(number < UINT32_MAX);
  txn.put(Table::meta, key, encode_number(number + 1));
  return number;
}

// The row under `key`, which must be there: another row points to it.
template <typename Row>
Row expect_row(const Transaction& txn, Table table, ByteView key, const char* what) {
  const std::optional<ByteView> row = txn.get(table, key);
  if (!row) throw Error(ErrorCode::corrupt, std::string("a ") + what + " is missing in the repo");
  return decode_row<Row>(*row);
}

// An entry of an index.
inline std::optional<uint32_t> find_number(const Transaction& txn, Table table, ByteView key) {
  const std::optional<ByteView> row = txn.get(table, key);
  if (!row) return std::nullopt;
  return decode_number_32(*row);
}

// Calls `visit(key reader, row)` for each row whose key begins with `prefix`; the reader stands
// behind the prefix.
template <typename Visit>
void each_row(const Transaction& txn, Table table, ByteView prefix, const Visit& visit) {
  txn.scan(table, prefix, {}, [&](ByteView key, ByteView row) {
    KeyReader reader(key);
    reader.skip(prefix.size());
    visit(reader, row);
    return true;
  });
}

}  // namespace aimlog

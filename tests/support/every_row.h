// All rows of a repo, and what is in the chunks among them.
#pragma once

#include <map>
#include <utility>

#include "plugin/base/bytes.h"
#include "plugin/store/environment.h"
#include "plugin/store/row_group.h"
#include "plugin/store/store_format.h"

namespace aimlog::test {

using Rows = std::map<std::pair<unsigned, Bytes>, Bytes>;  // by table and key

// A chunk guards itself, part by part: what is read of it is decoded.
inline void decode_chunk(ByteView bytes) {
  const RowGroupReader reader(bytes);
  reader.steps();
  reader.times_ns();
  reader.epochs();
  for (const SeriesKey& key : reader.keys()) reader.column(key);
}

// Throws Error where a row is not as it was written.
inline Rows read_all(Environment& environment) {
  Rows rows;
  const Transaction txn(environment);
  for (unsigned table = 0; table < table_count; ++table) {
    txn.scan(static_cast<Table>(table), {}, {}, [&](ByteView key, ByteView value) {
      if (static_cast<Table>(table) == Table::chunks) decode_chunk(value);
      rows[{table, Bytes(key)}] = value;
      return true;
    });
  }
  return rows;
}

}  // namespace aimlog::test

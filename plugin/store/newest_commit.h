// Which commit a transaction stands on, so that who keeps a copy of rows sees that others wrote.
#pragma once

#include "plugin/store/checked_value.h"
#include "plugin/store/environment.h"
#include "plugin/store/keys.h"
#include "plugin/store/store_format.h"

namespace aimlog {

// The number of the newest commit of anybody; the next one has one more.
inline uint64_t newest_commit(const Transaction& txn) {
  const auto row = txn.get(Table::meta, Key(MetaKind::row_counts));
  AIMLOG_CHECK(row.has_value());
  return decode_row_counts(*row).transaction;
}

}  // namespace aimlog

// What is stored under a key: the payload and a checksum over table, key and payload. LMDB has no
// checksums, and a page in the wrong place would otherwise give right-looking rows. Of a chunk only
// the begin is covered: its parts have their own, which RowGroupReader looks at.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>

#include "plugin/base/bytes.h"
#include "plugin/store/environment.h"

namespace aimlog {

Bytes with_checksum(Table table, ByteView key, ByteView payload);
// Whether a value's checksum is the one for this key.
bool has_checksum(Table table, ByteView key, ByteView value);
// The payload. Throws Error(corrupt) that names table, key and file.
ByteView verified(Table table, ByteView key, ByteView value, const std::filesystem::path& file);

// Kept in `meta`, written with every commit: rows of each table (meta itself not counted), and the
// number of the LMDB transaction that wrote them, which shows a meta page that went back in time.
struct RowCounts {
  uint64_t transaction = 0;
  std::array<uint64_t, table_count> rows{};
};
Bytes encode_row_counts(const RowCounts& counts);
RowCounts decode_row_counts(ByteView row);

}  // namespace aimlog

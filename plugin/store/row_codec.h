// Rows of the tables to bytes and back. Each begins with a version byte; fields may be appended in
// later versions: an older reader skips them, a newer one keeps defaults for what an older row
// lacks.
#pragma once

#include <map>

#include "plugin/base/bytes.h"
#include "plugin/store/rows.h"
#include "plugin/store/series_table.h"

namespace aimlog {

// For the rows of rows.h, SummaryMap and ObjectMap.
template <typename Row>
Bytes encode_row(const Row& row);

// Throws Error(corrupt), and Error(too_new) for a version byte that this program does not know.
template <typename Row>
Row decode_row(ByteView bytes);

using ObjectMap = std::map<SeriesKey, ObjectRow>;

// A row that is one number: entries of indexes and counters.
Bytes encode_number(uint64_t number);
uint64_t decode_number(ByteView bytes);
uint32_t decode_number_32(ByteView bytes);

// Takes the version byte off. Throws as decode_row does; `what` names the row.
ByteView without_version(ByteView bytes, uint8_t newest, const char* what);

}  // namespace aimlog

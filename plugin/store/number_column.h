// A column of numbers, some of which may be missing, as bytes:
//
//   u8 Presence; bitmap of the rows that have a value, low bits first (Presence::bitmap only)
//   u8 NumberType of all values, or mixed_types and then 2 bits each (type - 1), low bits first
//   the block of the values' bits (block_codec.h)
//
// Where no row has a value, only the first byte is there.
#pragma once

#include <vector>

#include "plugin/base/bytes.h"
#include "plugin/model/number.h"
#include "plugin/store/block_codec.h"

namespace aimlog {

void append_number_column(Bytes& out, const std::vector<Number>& column, BlockEncoder& encoder);

// One number a row; takes all that is left in `in`. Throws Error(corrupt).
std::vector<Number> read_number_column(ByteReader& in, uint32_t rows);

}  // namespace aimlog

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

// A column as it is stored, for readers that want columns: a Number a row takes more memory and
// time than all the rest of reading.
struct NumberColumn {
  // Of the values that are there.
  uint32_t count() const { return places.empty() ? rows : static_cast<uint32_t>(places.size()); }
  uint32_t place(uint32_t i) const { return places.empty() ? i : places[i]; }
  NumberType type_of(uint32_t i) const { return types.empty() ? type : types[i]; }

  uint32_t rows = 0;                   // 0 where no row has a value
  std::vector<uint32_t> places;        // rows that have one; empty = all
  NumberType type = NumberType::none;  // of all values; none = each its own
  std::vector<NumberType> types;       // one a value, where they differ
  std::vector<uint64_t> bits;          // one a value
};

// Only the head: all but `bits`. `in` stands before the values' block then.
NumberColumn read_number_column_head(ByteReader& in, uint32_t rows);
// Takes all that is left in `in`. Throws Error(corrupt).
NumberColumn read_whole_number_column(ByteReader& in, uint32_t rows);
// The same with one number a row.
std::vector<Number> read_number_column(ByteReader& in, uint32_t rows);

}  // namespace aimlog

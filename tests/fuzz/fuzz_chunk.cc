// What the store reads back from its file. The first byte says what the others are.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "plugin/base/error.h"
#include "plugin/store/number_column.h"
#include "plugin/store/row_codec.h"
#include "plugin/store/row_group.h"
#include "plugin/store/tail_table.h"

namespace {

using namespace aimlog;

void read_chunk(ByteView bytes) {
  const RowGroupReader reader(bytes);
  const size_t rows = reader.rows();
  bool whole = reader.steps().size() == rows && reader.times_ns().size() == rows &&
               reader.epochs().size() == rows;
  for (const SeriesKey key : reader.keys()) whole = whole && reader.column(key)->size() == rows;
  if (!whole) std::abort();
}

// Behind the checksums of a chunk: the first two bytes are the number of rows.
void read_column(ByteView bytes) {
  ByteReader in(bytes, "column");
  const uint32_t rows = in.fixed<uint16_t>() % row_group_rows_max + 1;
  const std::vector<Number> column = read_number_column(in, rows);
  if (column.size() != rows) std::abort();
}

// Any numbers come back bit for bit. Each takes a byte for its type and up to 8 for its bits.
void encode_and_read(ByteView bytes) {
  std::vector<Number> column;
  while (!bytes.empty() && column.size() < row_group_rows_max) {
    const auto head = static_cast<uint8_t>(bytes[0]);
    bytes.remove_prefix(1);
    Number number;
    number.type = static_cast<NumberType>(head % 5);
    const size_t size = std::min<size_t>(bytes.size(), head / 5 % 9);
    std::memcpy(&number.bits, bytes.data(), size);
    bytes.remove_prefix(size);
    if (!number.exists()) number.bits = 0;
    column.push_back(number);
  }
  if (column.empty()) return;
  BlockEncoder encoder;
  Bytes encoded;
  append_number_column(encoded, column, encoder);
  ByteReader in(encoded, "column");
  if (read_number_column(in, static_cast<uint32_t>(column.size())) != column) std::abort();
}

void read_tail(ByteView bytes) {
  Bytes again;
  each_tail_row(bytes, [&](const TailRow& row) { append_tail_row(again, row); });
  if (again.size() > bytes.size()) std::abort();
}

template <typename Row>
void read_row(ByteView bytes) {
  const Bytes once = encode_row(decode_row<Row>(bytes));
  if (encode_row(decode_row<Row>(once)) != once) std::abort();
}

using Reader = void (*)(ByteView);
constexpr Reader readers[] = {
    read_chunk,           read_column,          encode_and_read,      read_tail,
    read_row<JobRow>,     read_row<RunRow>,     read_row<AttemptRow>, read_row<ParamsRow>,
    read_row<ShapeRow>,   read_row<JournalRow>, read_row<LossRow>,    read_row<CheckpointRow>,
    read_row<SummaryMap>, read_row<ObjectMap>};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || data[0] >= std::size(readers)) return 0;
  try {
    readers[data[0]](ByteView(reinterpret_cast<const char*>(data) + 1, size - 1));
  } catch (const Error& error) {
    const bool expected = error.code() == ErrorCode::corrupt || error.code() == ErrorCode::too_new;
    if (!expected) std::abort();
  }
  return 0;
}

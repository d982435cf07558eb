#include <algorithm>

#include "plugin/base/crc32c.h"
#include "plugin/store/chunk_format.h"
#include "plugin/store/number_column.h"
#include "plugin/store/row_codec.h"
#include "plugin/store/row_group.h"

namespace aimlog {
namespace {

constexpr size_t checksum_bytes = sizeof(uint32_t);
constexpr const char* steps_name = "steps of a chunk";
constexpr const char* times_name = "times of a chunk";
constexpr const char* epochs_name = "epochs of a chunk";
constexpr const char* column_name = "column of a chunk";

struct Checked {
  ByteView payload;  // without the checksum at its end, which was verified
  uint32_t checksum;
};

Checked check(ByteView bytes, uint32_t seed, const char* what) {
  ByteReader in(bytes, what);
  if (bytes.size() < checksum_bytes) in.fail("it is too short");
  const ByteView payload = in.take(bytes.size() - checksum_bytes);
  const auto checksum = in.fixed<uint32_t>();
  if (checksum != crc32c(seed, payload.data(), payload.size())) in.fail("its checksum is wrong");
  return {payload, checksum};
}

std::vector<int64_t> read_integers(ByteView part, const char* what, uint32_t rows) {
  ByteReader in(part, what);
  std::vector<int64_t> values(rows);
  // Types that differ in their sign alone may stand for each other.
  read_block(in, {reinterpret_cast<uint64_t*>(values.data()), values.size()});
  return values;
}

std::vector<Number> read_numbers(ByteView part, const char* what, uint32_t rows) {
  ByteReader in(part, what);
  return read_number_column(in, rows);
}

}  // namespace

RowGroupReader::RowGroupReader(ByteView bytes) : bytes_(bytes) {
  if (read_head(bytes) != bytes.size()) ByteReader(bytes, "chunk").fail("bytes are left over");
}

uint64_t RowGroupReader::bytes_of_first(ByteView bytes) {
  return RowGroupReader().read_head(bytes);
}

uint64_t RowGroupReader::read_head(ByteView bytes) {
  ByteReader in(without_version(bytes, chunk_version, "chunk"), "chunk");
  rows_ = static_cast<uint32_t>(in.varint_up_to(row_group_rows_max));
  if (rows_ == 0) in.fail("it has no rows");
  first_sequence_ = in.varint();
  last_sequence_ = first_sequence_ + in.varint_up_to(UINT64_MAX - first_sequence_);
  columns_.resize(in.varint_up_to(in.remaining() / 3));  // each takes 3 bytes at least
  for (size_t i = 0; i < columns_.size(); ++i) {
    columns_[i].key.name = static_cast<NameId>(in.varint_up_to(UINT32_MAX));
    columns_[i].key.context = static_cast<ContextId>(in.varint_up_to(UINT32_MAX));
    if (i > 0 && columns_[i - 1].key >= columns_[i].key) in.fail("its columns are out of order");
  }
  std::vector<Part*> parts = {&steps_, &times_, &epochs_};
  for (ColumnEntry& column : columns_) parts.push_back(&column.part);
  for (Part* part : parts) part->bytes = static_cast<uint32_t>(in.varint_up_to(UINT32_MAX));

  uint64_t offset = 1 + in.position() + checksum_bytes;
  in.take(checksum_bytes);
  const Checked head = check(bytes.substr(0, offset), 0, "head of a chunk");
  if (static_cast<uint8_t>(bytes[0]) >= chunk_version_self_guarding) part_seed_ = head.checksum;
  for (Part* part : parts) {
    if (part->bytes > bytes.size() - offset) in.fail("a column ends too late");
    part->offset = static_cast<uint32_t>(offset);
    offset += part->bytes;
  }
  return offset;
}

ByteView RowGroupReader::bytes_of(Part part, const char* what) const {
  return check(bytes_.substr(part.offset, part.bytes), part_seed_, what).payload;
}

std::vector<SeriesKey> RowGroupReader::keys() const {
  std::vector<SeriesKey> keys;
  keys.reserve(columns_.size());
  for (const ColumnEntry& column : columns_) keys.push_back(column.key);
  return keys;
}

std::vector<int64_t> RowGroupReader::steps() const {
  return read_integers(bytes_of(steps_, steps_name), steps_name, rows_);
}

std::vector<int64_t> RowGroupReader::times_ns() const {
  return read_integers(bytes_of(times_, times_name), times_name, rows_);
}

std::vector<Number> RowGroupReader::epochs() const {
  return read_numbers(bytes_of(epochs_, epochs_name), epochs_name, rows_);
}

const RowGroupReader::Part* RowGroupReader::find(SeriesKey key) const {
  const auto found = std::lower_bound(
      columns_.begin(), columns_.end(), key,
      [](const ColumnEntry& entry, SeriesKey wanted) { return entry.key < wanted; });
  return found == columns_.end() || found->key != key ? nullptr : &found->part;
}

std::optional<std::vector<Number>> RowGroupReader::column(SeriesKey key) const {
  const Part* part = find(key);
  if (part == nullptr) return std::nullopt;
  return read_numbers(bytes_of(*part, column_name), column_name, rows_);
}

NumberColumn RowGroupReader::stored_epochs() const {
  ByteReader in(bytes_of(epochs_, epochs_name), epochs_name);
  return read_whole_number_column(in, rows_);
}

std::optional<NumberColumn> RowGroupReader::stored_column(SeriesKey key) const {
  const Part* part = find(key);
  if (part == nullptr) return std::nullopt;
  ByteReader in(bytes_of(*part, column_name), column_name);
  return read_whole_number_column(in, rows_);
}

std::optional<NumberColumn> RowGroupReader::column_head(SeriesKey key) const {
  const Part* part = find(key);
  if (part == nullptr) return std::nullopt;
  ByteReader in(bytes_of(*part, column_name), column_name);
  return read_number_column_head(in, rows_);
}

}  // namespace aimlog

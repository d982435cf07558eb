#include <algorithm>

#include "plugin/base/crc32c.h"
#include "plugin/store/chunk_format.h"
#include "plugin/store/number_column.h"
#include "plugin/store/row_codec.h"
#include "plugin/store/row_group.h"

namespace aimlog {
namespace {

constexpr size_t checksum_bytes = sizeof(uint32_t);

// Without the checksum at its end, which is verified.
ByteView checked(ByteView bytes, const char* what) {
  ByteReader in(bytes, what);
  if (bytes.size() < checksum_bytes) in.fail("it is too short");
  const ByteView payload = in.take(bytes.size() - checksum_bytes);
  if (in.fixed<uint32_t>() != crc32c(0, payload.data(), payload.size())) {
    in.fail("its checksum is wrong");
  }
  return payload;
}

std::vector<int64_t> read_integers(ByteView part, const char* what, uint32_t rows) {
  ByteReader in(checked(part, what), what);
  const std::vector<uint64_t> words = read_block(in, rows);
  std::vector<int64_t> values(words.size());
  std::transform(words.begin(), words.end(), values.begin(),
                 [](uint64_t word) { return static_cast<int64_t>(word); });
  return values;
}

std::vector<Number> read_numbers(ByteView part, const char* what, uint32_t rows) {
  ByteReader in(checked(part, what), what);
  return read_number_column(in, rows);
}

}  // namespace

RowGroupReader::RowGroupReader(ByteView bytes) : bytes_(bytes) {
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
  (void)checked(bytes.substr(0, offset), "head of a chunk");
  for (Part* part : parts) {
    if (part->bytes > bytes.size() - offset) in.fail("a column ends too late");
    part->offset = static_cast<uint32_t>(offset);
    offset += part->bytes;
  }
  if (offset != bytes.size()) in.fail("bytes are left over");
}

ByteView RowGroupReader::bytes_of(Part part) const {
  return bytes_.substr(part.offset, part.bytes);
}

std::vector<SeriesKey> RowGroupReader::keys() const {
  std::vector<SeriesKey> keys;
  keys.reserve(columns_.size());
  for (const ColumnEntry& column : columns_) keys.push_back(column.key);
  return keys;
}

std::vector<int64_t> RowGroupReader::steps() const {
  return read_integers(bytes_of(steps_), "steps of a chunk", rows_);
}

std::vector<int64_t> RowGroupReader::times_ns() const {
  return read_integers(bytes_of(times_), "times of a chunk", rows_);
}

std::vector<Number> RowGroupReader::epochs() const {
  return read_numbers(bytes_of(epochs_), "epochs of a chunk", rows_);
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
  return read_numbers(bytes_of(*part), "column of a chunk", rows_);
}

NumberColumn RowGroupReader::stored_epochs() const {
  ByteReader in(checked(bytes_of(epochs_), "epochs of a chunk"), "epochs of a chunk");
  return read_whole_number_column(in, rows_);
}

std::optional<NumberColumn> RowGroupReader::stored_column(SeriesKey key) const {
  const Part* part = find(key);
  if (part == nullptr) return std::nullopt;
  ByteReader in(checked(bytes_of(*part), "column of a chunk"), "column of a chunk");
  return read_whole_number_column(in, rows_);
}

std::optional<NumberColumn> RowGroupReader::column_head(SeriesKey key) const {
  const Part* part = find(key);
  if (part == nullptr) return std::nullopt;
  ByteReader in(checked(bytes_of(*part), "column of a chunk"), "column of a chunk");
  return read_number_column_head(in, rows_);
}

}  // namespace aimlog

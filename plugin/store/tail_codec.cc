#include "plugin/store/tail_codec.h"

#include <vector>

#include "plugin/store/tail_table.h"

namespace aimlog {
namespace {

constexpr size_t row_head_bytes = 4 + 4 + 8 + 4;
constexpr uint64_t unpacked_bytes_max = uint64_t{1} << 30;

void append_row(Bytes& group, const TailRow& row) {
  append_fixed(group, row.run);
  append_fixed(group, row.attempt);
  append_fixed(group, row.sequence);
  append_fixed(group, row.shape);
  group.append(row.result);
}

TailRow read_row(ByteView bytes) {
  ByteReader in(bytes, "tail");
  TailRow row;
  row.run = in.fixed<RunNumber>();
  row.attempt = in.fixed<uint32_t>();
  row.sequence = in.fixed<uint64_t>();
  row.shape = in.fixed<ShapeNumber>();
  row.result = in.take(in.remaining());
  return row;
}

// `to` gets the columns of the matrix `from` as rows.
void transpose(const char* from, char* to, size_t rows, size_t columns) {
  for (size_t row = 0; row < rows; ++row)
    for (size_t column = 0; column < columns; ++column)
      to[column * rows + row] = from[row * columns + column];
}

class Packer {
 public:
  void add(const TailRow& row) {
    if (rows_ > 0 && row.result.size() != result_bytes_) end_group();
    result_bytes_ = row.result.size();
    append_row(group_, row);
    ++rows_;
  }

  Bytes finish() {
    end_group();
    return std::move(bytes_);
  }

 private:
  void end_group() {
    if (rows_ == 0) return;
    append_varint(bytes_, rows_);
    append_varint(bytes_, result_bytes_);
    const size_t begin = bytes_.size();
    bytes_.resize(begin + group_.size());
    transpose(group_.data(), bytes_.data() + begin, rows_, group_.size() / rows_);
    group_.clear();
    rows_ = 0;
  }

  Bytes bytes_, group_;
  size_t rows_ = 0, result_bytes_ = 0;
};

void unpack_group(ByteReader& in, Bytes& rows) {
  const uint64_t count = in.varint_up_to(in.remaining());
  const size_t size = in.varint_up_to(in.remaining()) + row_head_bytes;
  if (count == 0 || count > in.remaining() / size) in.fail("a group of rows is too large");
  const ByteView columns = in.take(count * size);
  Bytes group(columns.size(), '\0');
  transpose(columns.data(), group.data(), size, count);
  for (size_t i = 0; i < count; ++i)
    append_tail_row(rows, read_row(ByteView(group).substr(i * size, size)));
}

}  // namespace

Bytes pack_tail(ByteView rows, ZstdCompressor& zstd) {
  Packer packer;
  each_tail_row(rows, [&](const TailRow& row) { packer.add(row); });
  const Bytes bytes = packer.finish();
  Bytes packed;
  append_varint(packed, bytes.size());
  zstd.append_frame(packed, bytes);
  return packed;
}

Bytes unpack_tail(ByteView packed) {
  ByteReader in(packed, "tail");
  Bytes bytes(in.varint_up_to(unpacked_bytes_max), '\0');
  if (!read_frame(in.take(in.remaining()), bytes)) in.fail("its rows cannot be decompressed");
  Bytes rows;
  ByteReader groups(bytes, "tail");
  while (!groups.at_end()) unpack_group(groups, rows);
  return rows;
}

}  // namespace aimlog

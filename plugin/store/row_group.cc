#include "plugin/store/row_group.h"

#include <algorithm>

#include "plugin/base/crc32c.h"
#include "plugin/store/chunk_format.h"
#include "plugin/store/keys.h"
#include "plugin/store/number_column.h"

namespace aimlog {
namespace {

Bytes integer_part(const std::vector<int64_t>& values, BlockEncoder& encoder) {
  std::vector<uint64_t> words(values.size());
  std::transform(values.begin(), values.end(), words.begin(),
                 [](int64_t value) { return static_cast<uint64_t>(value); });
  Bytes part;
  encoder.append(part, words, WordKind::integer);
  return part;
}

Bytes number_part(const std::vector<Number>& values, BlockEncoder& encoder) {
  Bytes part;
  append_number_column(part, values, encoder);
  return part;
}

// Columns in the order of their keys, so that a reader can search.
std::vector<const RowGroup::Column*> ordered(const RowGroup& group) {
  std::vector<const RowGroup::Column*> columns;
  for (const RowGroup::Column& column : group.columns) columns.push_back(&column);
  std::sort(columns.begin(), columns.end(),
            [](const auto* a, const auto* b) { return a->key < b->key; });
  for (size_t i = 1; i < columns.size(); ++i) {
    AIMLOG_CHECK(columns[i - 1]->key != columns[i]->key);
  }
  return columns;
}

Key chunk_key(const ChunkKey& key) {
  return std::move(Key().add(key.run).add(key.attempt).add(key.journal).add(key.first_sequence));
}

}  // namespace

Bytes encode_row_group(const RowGroup& group) {
  const size_t rows = group.steps.size();
  AIMLOG_CHECK(rows > 0 && rows <= row_group_rows_max);
  AIMLOG_CHECK(group.times_ns.size() == rows);
  AIMLOG_CHECK(group.epochs.size() == rows || group.epochs.empty());
  AIMLOG_CHECK(group.first_sequence <= group.last_sequence);
  BlockEncoder encoder;
  std::vector<Bytes> parts;
  parts.push_back(integer_part(group.steps, encoder));
  parts.push_back(integer_part(group.times_ns, encoder));
  parts.push_back(
      number_part(group.epochs.empty() ? std::vector<Number>(rows) : group.epochs, encoder));
  const auto columns = ordered(group);
  for (const RowGroup::Column* column : columns) {
    AIMLOG_CHECK(column->values.size() == rows);
    parts.push_back(number_part(column->values, encoder));
  }

  Bytes out(1, static_cast<char>(chunk_version));
  append_varint(out, rows);
  append_varint(out, group.first_sequence);
  append_varint(out, group.last_sequence - group.first_sequence);
  append_varint(out, columns.size());
  for (const RowGroup::Column* column : columns) {
    append_varint(out, column->key.name);
    append_varint(out, column->key.context);
  }
  for (const Bytes& part : parts) append_varint(out, part.size() + sizeof(uint32_t));
  const uint32_t head = crc32c(0, out.data(), out.size());
  append_fixed(out, head);
  for (const Bytes& part : parts) {
    out.append(part);
    append_fixed(out, crc32c(head, part.data(), part.size()));
  }
  AIMLOG_CHECK(out.size() <= UINT32_MAX);
  return out;
}

void put_chunk(WriteTransaction& txn, const ChunkKey& key, ByteView encoded) {
  txn.put(Table::chunks, chunk_key(key), encoded);
}

ByteView get_chunk(const Transaction& txn, const ChunkKey& key) {
  const auto encoded = txn.get(Table::chunks, chunk_key(key));
  if (!encoded) throw Error(ErrorCode::not_found, "points that were asked for are gone");
  return *encoded;
}

ChunkKey read_chunk_key(ByteView bytes) {
  KeyReader reader(bytes);
  ChunkKey key;
  key.run = reader.number<RunNumber>();
  key.attempt = reader.number<uint32_t>();
  key.journal = reader.number<JournalNumber>();
  key.first_sequence = reader.number<uint64_t>();
  return key;
}

void each_chunk(const Transaction& txn, RunNumber run,
                const std::function<void(const ChunkKey&, ByteView encoded)>& visit) {
  txn.scan(Table::chunks, Key().add(run), {}, [&](ByteView bytes, ByteView encoded) {
    visit(read_chunk_key(bytes), encoded);
    return true;
  });
}

}  // namespace aimlog

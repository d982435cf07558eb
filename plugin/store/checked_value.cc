#include "plugin/store/checked_value.h"

#include "plugin/base/crc32c.h"
#include "plugin/model/ids.h"
#include "plugin/store/chunk_format.h"
#include "plugin/store/damage_advice.h"
#include "plugin/store/environment_state.h"
#include "plugin/store/row_codec.h"
#include "plugin/store/store_format.h"

namespace aimlog {
namespace {

// A chunk's parts have checksums of their own, which its head begins: whoever reads one metric need
// not touch the bytes of all others. Here only its begin is tied to its key.
bool guards_itself(Table table, ByteView payload) {
  return table == Table::chunks && !payload.empty() &&
         static_cast<uint8_t>(payload[0]) >= chunk_version_self_guarding;
}

uint32_t checksum(Table table, ByteView key, ByteView payload) {
  const auto number = static_cast<uint8_t>(table);
  uint32_t crc = crc32c(0, &number, 1);
  crc = crc32c(crc, key.data(), key.size());
  if (guards_itself(table, payload)) {
    const uint64_t size = payload.size();
    crc = crc32c(crc, &size, sizeof size);
    payload = payload.substr(0, chunk_bytes_tied_to_key);
  }
  return crc32c(crc, payload.data(), payload.size());
}

}  // namespace

Bytes with_checksum(Table table, ByteView key, ByteView payload) {
  Bytes value;
  value.reserve(payload.size() + sizeof(uint32_t));
  value.append(payload);
  append_fixed(value, checksum(table, key, payload));
  return value;
}

bool has_checksum(Table table, ByteView key, ByteView value) {
  if (value.size() < sizeof(uint32_t)) return false;
  const ByteView payload = value.substr(0, value.size() - sizeof(uint32_t));
  uint32_t stored;
  std::memcpy(&stored, value.data() + payload.size(), sizeof stored);
  return stored == checksum(table, key, payload);
}

ByteView verified(Table table, ByteView key, ByteView value, const std::filesystem::path& file) {
  if (has_checksum(table, key, value)) return value.substr(0, value.size() - sizeof(uint32_t));
  const auto* bytes = reinterpret_cast<const unsigned char*>(key.data());
  throw Error(ErrorCode::corrupt, "damaged row in table " + std::string(table_name(table)) +
                                      ", key " + to_hex(bytes, key.size()) + " of " +
                                      file.string() + ": " + damage_advice);
}

Bytes encode_row_counts(const RowCounts& counts) {
  Bytes out(1, static_cast<char>(row_version));
  append_varint(out, counts.transaction);
  append_varint(out, counts.rows.size());
  for (const uint64_t rows : counts.rows) append_varint(out, rows);
  return out;
}

RowCounts decode_row_counts(ByteView row) {
  ByteReader in(without_version(row, row_version, "row counts"), "row counts");
  RowCounts counts;
  counts.transaction = in.varint();
  const uint64_t tables = in.varint_up_to(in.remaining());
  for (uint64_t i = 0; i < tables && i < table_count; ++i) counts.rows[i] = in.varint();
  return counts;
}

}  // namespace aimlog

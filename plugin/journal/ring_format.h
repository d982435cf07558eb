// The bytes of a ring file; FORMAT.md explains them. Stored on disk: never renumber, never move a
// field.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "plugin/base/bytes.h"

namespace aimlog {

inline constexpr char ring_magic[8] = {'A', 'I', 'M', 'L', 'R', 'N', 'G', '1'};
inline constexpr uint32_t ring_format_version = 1;
inline constexpr uint32_t ring_header_bytes = 4096;  // the data area begins behind it, page-aligned

// At offset 0 of the file. Its size, magic, version and checksum stay where they are in every later
// version, so that a damaged header and a later version can be told apart.
struct RingHeader {
  char magic[8];
  uint32_t format_version;
  uint32_t header_bytes;
  std::array<unsigned char, 16> ring_id;
  uint64_t data_bytes;
  std::array<unsigned char, 16> boot_id;  // for people; nothing is decided by it
  int64_t pid;                            // likewise: liveness is told by the lock
  int64_t created_ns;
  unsigned char reserved[52];
  uint32_t crc;  // CRC-32C of all before
};
static_assert(sizeof(RingHeader) == 128 && offsetof(RingHeader, crc) == 124);

// The head of a record, 8-byte aligned in the file; the payload follows, then padding to a multiple
// of 8.
struct RingRecordHead {
  uint64_t commit;  // checksum << 32 | tag of the place; stored last
  uint32_t length;  // of the payload
  uint16_t type;    // the writer's affair
  uint16_t flags;
  uint64_t sequence;  // of a wrap mark: that of the record before it
};
static_assert(sizeof(RingRecordHead) == 24 && alignof(RingRecordHead) == 8);

// This head has no payload and says: go on at the start of the data area. Where fewer than 24 bytes
// are left before the end there is no room for a head, and the next record is at the start without
// being told.
inline constexpr uint16_t ring_flag_wrap = 1;

constexpr uint64_t ring_record_bytes(uint64_t payload) {
  return sizeof(RingRecordHead) + ((payload + 7) & ~uint64_t{7});
}

// Low half of the commit word: which place in the stream this is. The same place in the file has
// another tag in each lap (for 32 GB of laps with certainty), and another ring has another salt.
// Never 0.
constexpr uint32_t ring_place_tag(uint32_t salt, uint64_t offset) {
  const auto tag = static_cast<uint32_t>(salt + offset / 8);
  return tag != 0 ? tag : 0x80000000u;
}
constexpr uint32_t ring_salt(const std::array<unsigned char, 16>& id) {
  return uint32_t{id[0]} | uint32_t{id[1]} << 8 | uint32_t{id[2]} << 16 | uint32_t{id[3]} << 24;
}

// One page: the header for a ring made now by this process.
Bytes make_ring_header(const std::array<unsigned char, 16>& id, uint64_t data_bytes);

// Throws Error(corrupt) for anything that make_ring_header cannot have made, Error(too_new) for a
// later version. `page` is what the file begins with; `path` is for the text.
RingHeader check_ring_header(ByteView page, const std::filesystem::path& path);

}  // namespace aimlog

// Records of a ring, as those who read them see them.
#pragma once

#include <cstdint>

#include "plugin/base/bytes.h"

namespace aimlog {

// A place in the stream of records: offsets grow for ever, the place in the file is the offset
// modulo the data area's size.
struct RingPosition {
  uint64_t sequence = 0;  // of the last record before this place; the first record has sequence 1
  uint64_t offset = 0;    // where the next record begins
  bool operator==(const RingPosition&) const = default;
};

struct RingRecord {
  uint16_t type = 0;
  RingPosition end;  // the place behind this record; end.sequence is its own sequence number
  ByteView payload;  // valid until the record is released
};

// Bytes that could not be read as records.
struct RingDamage {
  uint64_t bytes_skipped = 0;    // between valid records
  uint64_t records_missing = 0;  // by the gaps in sequence numbers
};

}  // namespace aimlog

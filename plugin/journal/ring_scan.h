// Finding valid records in the bytes of a data area: what the committer does in a live ring and
// recovery in a dead one.
#pragma once

#include <array>
#include <cstdint>

#include "plugin/base/crc32c.h"
#include "plugin/journal/ring_format.h"
#include "plugin/journal/ring_record.h"

namespace aimlog {

// Checksums of one ring's records: over the ring's id, the place, and the record but for its commit
// word.
class RingChecksum {
 public:
  explicit RingChecksum(const std::array<unsigned char, 16>& id)
      : crc32c_(fastest_crc32c()), seed_(crc32c(0, id.data(), id.size())), salt_(ring_salt(id)) {}

  uint32_t tag(uint64_t offset) const { return ring_place_tag(salt_, offset); }

  // The commit word of the record at `head`, which is at `offset` of the stream.
  uint64_t commit_word(const RingRecordHead* head, uint64_t offset) const {
    const char* covered = reinterpret_cast<const char*>(head) + sizeof head->commit;
    const uint64_t bytes = sizeof *head - sizeof head->commit + head->length;
    const uint32_t crc = crc32c_(seed_, offset, covered, bytes);
    return uint64_t{crc} << 32 | tag(offset);
  }

 private:
  Crc32cFunction crc32c_;
  uint32_t seed_;
  uint32_t salt_;
};

// A data area to scan.
struct RingArea {
  const char* data = nullptr;  // 8-byte aligned
  uint64_t bytes = 0;
};

// The first valid record at or behind `position` that ends at or before `end_offset`; `position`
// moves behind it. Where it is not at `position` itself, each 8-byte place is tried, and what was
// passed over is added to `damage`. False, with nothing changed, if there is none: then what is
// there is a torn tail or nothing.
bool find_record(const RingArea& area, const RingChecksum& checksum, RingPosition& position,
                 uint64_t end_offset, RingRecord& out, RingDamage& damage);

}  // namespace aimlog

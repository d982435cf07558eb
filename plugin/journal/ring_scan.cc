#include "plugin/journal/ring_scan.h"

#include <algorithm>
#include <atomic>

namespace aimlog {
namespace {

// Walks the 8-byte places of the stream, with the place in the file beside the offset in the
// stream.
class Cursor {
 public:
  Cursor(const RingArea& area, uint64_t offset)
      : area_(area), offset_(offset), place_(offset % area.bytes) {
    skip_short_end();
  }

  uint64_t offset() const { return offset_; }
  uint64_t room() const { return area_.bytes - place_; }
  const RingRecordHead* head() const {
    return reinterpret_cast<const RingRecordHead*>(area_.data + place_);
  }
  void advance() {
    offset_ += 8;
    place_ += 8;
    skip_short_end();
  }
  void next_lap() {
    offset_ += room();
    place_ = 0;
  }

 private:
  void skip_short_end() {
    if (room() < sizeof(RingRecordHead)) next_lap();
  }

  const RingArea& area_;
  uint64_t offset_;
  uint64_t place_;
};

// A record whose writer stored its commit word, whole and at its own place.
bool is_valid(const Cursor& cursor, uint64_t area_bytes, const RingChecksum& checksum,
              uint64_t end_offset) {
  const RingRecordHead* head = cursor.head();
  // A second process may map the file, so this is not the only writer's thread that may look at the
  // word.
  const uint64_t commit = std::atomic_ref<uint64_t>(const_cast<uint64_t&>(head->commit))
                              .load(std::memory_order_acquire);
  if (static_cast<uint32_t>(commit) != checksum.tag(cursor.offset())) return false;
  const uint64_t size = ring_record_bytes(head->length);
  if (head->length > area_bytes / 4 || size > cursor.room() || cursor.offset() + size > end_offset)
    return false;
  return checksum.commit_word(head, cursor.offset()) == commit;
}

}  // namespace

bool find_record(const RingArea& area, const RingChecksum& checksum, RingPosition& position,
                 uint64_t end_offset, RingRecord& out, RingDamage& damage) {
  Cursor cursor(area, position.offset);
  uint64_t lost_from = cursor.offset();  // where the bytes begin that no valid head accounts for
  uint64_t bytes_skipped = 0;
  while (cursor.offset() + sizeof(RingRecordHead) <= end_offset) {
    const RingRecordHead* head = cursor.head();
    if (!is_valid(cursor, area.bytes, checksum, end_offset)) {
      cursor.advance();
      continue;
    }
    const bool wrap = (head->flags & ring_flag_wrap) != 0;
    if (wrap ? head->sequence < position.sequence : head->sequence <= position.sequence) {
      cursor.advance();
      continue;
    }
    bytes_skipped += cursor.offset() - lost_from;
    if (wrap) {
      cursor.next_lap();
      lost_from = cursor.offset();
      continue;
    }
    damage.bytes_skipped += bytes_skipped;
    damage.records_missing += head->sequence - position.sequence - 1;
    position = {head->sequence, cursor.offset() + ring_record_bytes(head->length)};
    out.type = head->type;
    out.end = position;
    out.payload = {reinterpret_cast<const char*>(head + 1), head->length};
    return true;
  }
  return false;
}

}  // namespace aimlog

// The host's side of a ring: room for a record, and its publication.
//
// All of it stands in the header, so that the hook that uses it is one piece of code: where results
// come seldom, each jump into code that is not in the caches costs more than the work itself.
#pragma once

#include <atomic>
#include <cstdint>

#include "plugin/base/small_bytes.h"
#include "plugin/journal/ring_file.h"
#include "plugin/journal/ring_format.h"
#include "plugin/journal/ring_scan.h"

namespace aimlog {

// Who may use the last eighth of a ring: results must leave it to life-cycle and shape records.
enum class RingRoom { results, reserved };

// No lock, no allocation, no system call (but where the file is written by write(2)). One thread at
// a time; the committer's thread only asks published() and calls release().
class RingWriter {
 public:
  RingWriter(RingFile& file, const RingChecksum& checksum)
      : data_(file.data()),
        checksum_(checksum),
        area_bytes_(file.data_bytes()),
        for_results_(area_bytes_ - area_bytes_ / 8),
        reserve_limit_(area_bytes_ / 4 + 1),
        uses_write_calls_(file.uses_write_calls()),
        file_(file) {}

  uint32_t record_bytes_max() const { return static_cast<uint32_t>(area_bytes_ / 4); }

  // Room for a payload of up to `bytes`, or nullptr if there is none now (or `bytes` is above
  // record_bytes_max()). Nothing is visible before publish(); reserving again gives the earlier
  // reservation up. The place is 8-byte aligned.
  char* reserve(uint64_t bytes, RingRoom room) noexcept {
    publish_limit_ = 0;
    if (bytes >= reserve_limit_) [[unlikely]]
      return nullptr;
    const uint64_t size = ring_record_bytes(bytes);
    uint64_t offset = next_offset_;
    uint64_t place = next_place_;
    if (area_bytes_ - place < size) [[unlikely]] {
      offset += area_bytes_ - place;
      place = 0;
    }
    const uint64_t limit = room == RingRoom::results ? for_results_ : area_bytes_;
    if (offset + size - released_seen_ > limit) [[unlikely]] {
      released_seen_ = released_.load(std::memory_order_acquire);
      if (offset + size - released_seen_ > limit) return nullptr;
    }
    reserved_offset_ = offset;
    reserved_place_ = place;
    publish_limit_ = bytes + 1;
    return data_ + place + sizeof(RingRecordHead);
  }

  // Completes the reserved record with the first `bytes` of its payload. Returns its sequence
  // number, 0 if write(2) failed (the record is then not in the ring and the room is given back).
  uint64_t publish(uint16_t type, uint32_t bytes) noexcept {
    if (bytes >= publish_limit_) [[unlikely]]
      return 0;
    publish_limit_ = 0;
    if (reserved_offset_ != next_offset_ && !store_wrap_mark()) [[unlikely]]
      return 0;
    const uint64_t sequence = sequence_ + 1;
    const uint64_t size = ring_record_bytes(bytes);
    store_head(reserved_place_, reserved_offset_, {0, bytes, type, 0, sequence});
    if (uses_write_calls_ && !file_.write_back(reserved_place_, size)) [[unlikely]]
      return 0;
    sequence_ = sequence;
    next_offset_ = reserved_offset_ + size;
    next_place_ = reserved_place_ + size == area_bytes_ ? 0 : reserved_place_ + size;
    published_sequence_.store(sequence, std::memory_order_relaxed);
    published_.store(next_offset_, std::memory_order_release);
    return sequence;
  }

  // In a forked child, and when the file is gone: nothing is written any more.
  void abandon() noexcept { reserve_limit_ = publish_limit_ = 0; }

  // What is before it may be read.
  uint64_t published() const noexcept { return published_.load(std::memory_order_acquire); }
  uint64_t published_sequence() const noexcept {
    return published_sequence_.load(std::memory_order_relaxed);
  }

  // The committer's: what is before it may be overwritten.
  void release(uint64_t offset) noexcept { released_.store(offset, std::memory_order_release); }
  uint64_t released() const noexcept { return released_.load(std::memory_order_acquire); }

 private:
  // The commit word goes last, with release: whoever sees it, in this life or after it, sees the
  // record.
  void store_head(uint64_t at, uint64_t offset, RingRecordHead head) noexcept {
    auto* target = reinterpret_cast<RingRecordHead*>(data_ + at);
    // As one word, as the checksum reads it: a load of what several stores wrote has to wait until
    // these are in the cache.
    store_as(data_ + at + offsetof(RingRecordHead, length),
             head.length | uint64_t{head.type} << 32 | uint64_t{head.flags} << 48);
    target->sequence = head.sequence;
    const uint64_t commit = checksum_.commit_word(target, offset);
    std::atomic_ref<uint64_t>(target->commit).store(commit, std::memory_order_release);
  }

  [[gnu::cold, gnu::noinline]] bool store_wrap_mark() noexcept {
    if (area_bytes_ - next_place_ < sizeof(RingRecordHead)) return true;
    store_head(next_place_, next_offset_, {0, 0, 0, ring_flag_wrap, sequence_});
    return !uses_write_calls_ || file_.write_back(next_place_, sizeof(RingRecordHead));
  }

  // Two cache lines of the host's thread, then what the two threads meet in, each in a line of its
  // own.
  char* const data_;
  const RingChecksum checksum_;
  const uint64_t area_bytes_;
  const uint64_t for_results_;
  uint64_t reserve_limit_;  // payloads are shorter; 0 when abandoned
  uint64_t next_offset_ = 0;
  uint64_t next_place_ = 0;  // next_offset_ modulo area_bytes_
  uint64_t sequence_ = 0;
  // Never above `released_`; asked again only when the room seems short.
  uint64_t released_seen_ = 0;
  // A reserved record begins at next_offset_, or at the next lap's start when the rest of this lap
  // is too short.
  uint64_t reserved_offset_ = 0;
  uint64_t reserved_place_ = 0;
  uint64_t publish_limit_ = 0;  // a reserved payload is shorter; 0 when nothing is reserved
  const bool uses_write_calls_;
  RingFile& file_;

  alignas(64) std::atomic<uint64_t> published_{0};  // the producer's
  std::atomic<uint64_t> published_sequence_{0};
  alignas(64) std::atomic<uint64_t> released_{0};  // the committer's
};

}  // namespace aimlog

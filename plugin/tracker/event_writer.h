// Events into the ring: waiting for room within bounds, dropping with a record of the gap, waiting
// for durability where asked.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>

#include "plugin/config/config.h"
#include "plugin/journal/handover.h"
#include "plugin/journal/ring.h"
#include "plugin/model/event.h"
#include "plugin/model/event_codec.h"
#include "plugin/tracker/counters.h"

namespace aimlog {

enum class WriteOutcome { ok, dropped, not_durable };

class EventWriter {
 public:
  EventWriter(Ring& ring, Handover& handover, const Config& config, Counters& counters);

  // Encodes and writes an event. Never throws but for want of memory.
  WriteOutcome write(const Event& event);
  // The same for what other events need. False where there is no room: nothing is counted as lost
  // then, for it is told again with the next event that needs it, and that one is dropped.
  bool announce(const Event& event);
  // A result whose bytes stand ready.
  WriteOutcome write_result(const TrialKey& trial, const Hash128& shape, ByteView result);

  // The short way of a result, with no copy: first room for one of up to `bytes` behind its prefix,
  // or nullptr where that needs more than a look; then the rest, when its bytes are in place.
  char* reserve_result(size_t bytes) noexcept {
    return has_gap() ? nullptr : ring_.reserve(result_prefix_bytes + bytes, RingRoom::results);
  }
  WriteOutcome publish_result(const TrialKey& trial, const Hash128& shape, char* place,
                              size_t bytes) {
    ++counters_.events;
    std::memcpy(place, trial.data(), sizeof trial);
    std::memcpy(place + sizeof trial, shape.data(), sizeof shape);
    return publish(EventType::result, static_cast<uint32_t>(result_prefix_bytes + bytes));
  }

  // Counts an event that cannot be written, and its part in the gap record to come.
  WriteOutcome drop(EventType type);

  // The host ends: from now on no wait for room is longer than this, or than full_wait_ms.
  void begin_close(std::chrono::milliseconds wait_max) {
    closing_ = true;
    full_wait_ = std::min(full_wait_, wait_max);
  }

  bool has_gap() const { return gap_.results + gap_.others > 0; }
  // Behind the session, which is the first record: nobody could place it before.
  bool gap_is_due() const { return begun_ && has_gap(); }

 private:
  // Writes the pending gap record if there is room for it.
  bool write_gap();
  // The sequence number; 0 if it is not in the ring.
  uint64_t append(const Event& event);
  uint64_t append(EventType type, ByteView prefix, ByteView body, RingRoom room);
  WriteOutcome publish(EventType type, uint32_t bytes) {
    full_ = false;
    const uint64_t sequence = ring_.publish(static_cast<uint16_t>(type), bytes);
    if (sequence != 0 && durability_ != Durability::always) [[likely]]
      return WriteOutcome::ok;
    unwritable_ = sequence == 0;
    return settle(type, sequence);
  }
  WriteOutcome settle(EventType type, uint64_t sequence);
  bool wait_durable(uint64_t sequence);
  char* find_room(uint32_t bytes, RingRoom room);
  char* wait_for_room(uint32_t bytes, RingRoom room);
  bool may_wait() const;
  bool may_wait_on() const;

  RingWriter& ring_;
  Counters& counters_;
  GapEvent gap_;
  bool begun_ = false;  // the first record is in the ring
  // A wait for room ran out: what finds none is dropped at once until a result finds some.
  bool full_ = false;
  // The last record could not be written into the ring's file, though there was room.
  bool unwritable_ = false;
  bool closing_ = false;
  // What was durable when a wait for a commit ran out; none where the last one did not.
  std::optional<uint64_t> durable_when_late_;
  uint64_t drops_ = 0;  // since a wait ran out
  Durability durability_;
  OnFull on_full_;
  std::chrono::milliseconds full_wait_;
  std::chrono::milliseconds always_wait_;
  Handover& handover_;
  Bytes scratch_;
  Bytes gap_payload_;
};

}  // namespace aimlog

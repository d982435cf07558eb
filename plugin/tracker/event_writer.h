// Events into the ring: waiting for room within bounds, dropping with a record of the gap, waiting
// for durability where asked.
#pragma once

#include <chrono>
#include <cstdint>

#include "plugin/config/config.h"
#include "plugin/journal/handover.h"
#include "plugin/journal/ring.h"
#include "plugin/model/event.h"
#include "plugin/tracker/counters.h"

namespace aimlog {

enum class WriteOutcome { ok, dropped, not_durable };

class EventWriter {
 public:
  EventWriter(Ring& ring, Handover& handover, const Config& config, Counters& counters);

  // Encodes and writes an event. Never throws but for want of memory.
  WriteOutcome write(const Event& event);
  // The hot road: a result whose bytes stand ready.
  WriteOutcome write_result(const TrialKey& trial, const Hash128& shape, ByteView result);

  // Counts an event that cannot be written, and its part in the gap record to come.
  WriteOutcome drop(EventType type);

  bool has_gap() const { return gap_.results + gap_.others > 0; }
  // Writes the pending gap record if there is one and room for it.
  bool write_gap();

 private:
  WriteOutcome write_payload(EventType type, ByteView prefix, ByteView body, RingRoom room);
  char* wait_for_room(uint32_t bytes, RingRoom room);
  bool may_wait() const;

  Ring& ring_;
  Handover& handover_;
  Counters& counters_;
  Durability durability_;
  OnFull on_full_;
  std::chrono::milliseconds full_wait_;
  std::chrono::milliseconds always_wait_;
  // A wait ran out: later events are dropped at once until room is found.
  bool full_ = false;
  GapEvent gap_;
  Bytes scratch_;
};

}  // namespace aimlog

// Rows of the journals that are being applied, and of what was lost. Plain data, as in rows.h.
#pragma once

#include <cstdint>
#include <string>

#include "plugin/store/numbers.h"

namespace aimlog {

// A place in a ring; see journal/ring.h.
struct AppliedPosition {
  uint64_t sequence = 0;
  uint64_t offset = 0;
  bool operator==(const AppliedPosition&) const = default;
};

// A ring that is not yet wholly applied, or whose file is not yet removed.
struct JournalRow {
  JournalNumber number = 0;
  JobNumber job = 0;  // 0 until its session record is applied
  AppliedPosition applied;
  int64_t started_ns = 0;
  int64_t pid = 0;
  std::string machine;
  uint64_t next_tail = 0;
  bool closed = false;  // its close record was applied
  bool ended = false;   // its host said that the experiment is over
};

// Stored on disk: never renumber.
enum class LossKind : uint8_t {
  dropped = 1,      // no room in the ring in time
  damaged = 2,      // journal records that could not be read back
  undecodable = 3,  // records whose shape or trial is unknown because of such damage
};

// Kept for ever: what is missing from the record of a job.
struct LossRow {
  LossKind kind = LossKind::dropped;
  JobNumber job = 0;
  JournalNumber journal = 0;
  int64_t first_ns = 0;
  int64_t last_ns = 0;
  uint64_t results = 0;
  uint64_t others = 0;
};

}  // namespace aimlog

// A run that is being written: its rows in the store as they are to become, and its results that
// are not yet in a chunk.
#pragma once

#include <cstdint>
#include <vector>

#include "plugin/base/bytes.h"
#include "plugin/store/rows.h"

namespace aimlog {

struct LiveRun {
  struct PendingRow {
    uint64_t sequence = 0;
    ShapeNumber shape = 0;
    uint32_t attempt = 0;
    uint64_t tail = 0;  // the tail that holds it; 0 = none yet
    size_t offset = 0;  // in result_bytes
    size_t length = 0;
  };

  RunNumber number = 0;
  RunRow row;
  // Where this journal's events go: the newest attempt that came through it; else, through another
  // one, that which makes an open run what it is, else the newest. 0 = none yet.
  uint32_t attempt_number = 0;
  AttemptRow attempt;      // meaningless while that is 0
  bool in_charge = false;  // this journal's events decide the run's status, and its end closes it
  uint64_t results = 0;    // of the attempt, sealed or not
  int64_t last_ns = 0;     // of its newest event
  bool dirty = false;      // row or attempt differ from the store
  bool ended = false;      // nothing more is expected: seal and forget at the end of the batch
  uint64_t as_of = 0;      // see JournalImage
  std::vector<PendingRow> pending;
  Bytes result_bytes;

  bool is_at_newest() const { return attempt_number == row.attempts; }

  ByteView result(const PendingRow& pending_row) const {
    return ByteView(result_bytes).substr(pending_row.offset, pending_row.length);
  }
};

}  // namespace aimlog

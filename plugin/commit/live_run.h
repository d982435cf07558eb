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
    uint64_t tail = 0;  // the tail that holds it; 0 = none yet
    size_t offset = 0;  // in result_bytes
    size_t length = 0;
  };

  RunNumber number = 0;
  RunRow row;
  AttemptRow attempt;    // the newest, row.attempts; meaningless while that is 0
  uint64_t results = 0;  // of the newest attempt, sealed or not
  int64_t last_ns = 0;   // of its newest event
  bool dirty = false;    // row or attempt differ from the store
  bool ended = false;    // nothing more is expected: seal and forget at the end of the batch
  std::vector<PendingRow> pending;  // all of the newest attempt
  Bytes result_bytes;

  ByteView result(const PendingRow& pending_row) const {
    return ByteView(result_bytes).substr(pending_row.offset, pending_row.length);
  }
};

}  // namespace aimlog

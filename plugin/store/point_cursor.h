// Reads what came to a run since the last look, without the points before it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "plugin/store/row_group.h"
#include "plugin/store/run_view.h"

namespace aimlog {

using NewPoints = std::map<SeriesKey, std::vector<Point>>;

// Rows move from tails into chunks behind its back, so it counts them as well as noting sequence
// numbers. It stands within the newest attempt and journal that it met: rows that come before them
// later (from an instance that still tells of an older attempt) are noticed, not read.
class PointCursor {
 public:
  // `attempt`: of it alone; 0 = of all.
  PointCursor(RunNumber run, uint32_t attempt) : run_(run), only_(attempt) {}

  // Points of all series in the order of read_all_points. Nothing where rows came before the place
  // it stands at: then all has to be read again, with a new cursor.
  std::optional<NewPoints> read_new(const Transaction& txn, const Tails& tails);
  // Goes to the end as read_new() does, decoding nothing.
  void skip_to_end(const Transaction& txn, const Tails& tails);

 private:
  void advance(const Transaction& txn, const Tails& tails, NewPoints* out);
  void visit_chunk(const ChunkKey& key, ByteView encoded, NewPoints* out);
  void visit_tails(const Tails& tails, NewPoints* out);
  void enter(uint32_t attempt, JournalNumber journal);
  uint64_t count(const Transaction& txn, const Tails& tails) const;

  RunNumber run_;
  uint32_t only_;
  uint32_t attempt_ = 0;        // where it stands
  JournalNumber journal_ = 0;   // of that attempt
  uint64_t next_chunk_ = 0;     // in that journal; those before are read
  uint64_t chunk_rows_ = 0;     // rows in chunks that are read, of that attempt and journal
  uint64_t rows_ = 0;           // rows that are read, of the same
  uint64_t last_sequence_ = 0;  // of the last of them
  uint64_t total_ = 0;          // rows that are read, of all attempts
};

}  // namespace aimlog

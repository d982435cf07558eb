// The points of one attempt, as far as they can be read: chunks as they are or without the columns
// that are damaged, results that waited in tails as new chunks, and the summaries of all of it.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "cli/repair/report.h"
#include "cli/repair/salvaged_repo.h"

namespace aimlog::cli {

struct MendedAttempt {
  std::vector<std::pair<ChunkKey, Bytes>> chunks;
  SummaryMap summaries;
  uint64_t results = 0;               // in chunks that came through a journal
  int64_t first_ns = 0, last_ns = 0;  // of its results
};

uint64_t points_of(const SummaryMap& summaries);

class PointMender {
 public:
  PointMender(const Salvage& salvage, const SalvagedRepo& repo) : salvage_(salvage), repo_(repo) {}

  // Adds to `report` what is lost, and to `objects` the last values of results that waited.
  MendedAttempt mend(RunNumber run, uint32_t attempt, const SalvagedAttempt& salvaged,
                     ObjectMap& objects, RunReport& report) const;

 private:
  struct Sealed {
    JournalNumber journal = 0;
    uint64_t first = 0, last = 0;
  };
  struct Work;

  void take_chunks(Work& work) const;
  void take_chunk(Work& work, const ChunkKey& key, const Bytes& encoded) const;
  void take_waiting(Work& work) const;
  bool add_row(Work& work, RowGroup& group, const SalvagedResult& result) const;
  static void put_group(Work& work, JournalNumber journal, RowGroup& group);
  static void count_losses(const Work& work);

  const Salvage& salvage_;
  const SalvagedRepo& repo_;
};

}  // namespace aimlog::cli

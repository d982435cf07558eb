// What the committer holds in memory of one journal: a copy of the store, so that a batch need not
// read what it wrote. It may be thrown away at any time (after a failed commit it is) and is made
// again from the store. Other journals may write the same runs: whoever keeps an image from one
// transaction to the next says so when there were commits between.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>

#include "plugin/commit/live_run.h"
#include "plugin/model/ids.h"
#include "plugin/store/environment.h"
#include "plugin/store/rows.h"

namespace aimlog {

class JournalImage {
 public:
  explicit JournalImage(const RingId& ring) : ring(ring) {}

  // Forgets everything and reads the journal's row and tails again.
  void reload(const Transaction& txn);
  // Others wrote: rows of runs are read again before they are used.
  void expect_changes();

  // The run in memory, read from the store if it is not there yet.
  LiveRun& load_run(const Transaction& txn, RunNumber number);
  // One that this journal has just put into the store, and is in charge of.
  LiveRun& add_run(RunNumber number, const RunRow& run_row);

  struct Tail {
    uint64_t number = 0;
    uint64_t bytes = 0;
    uint64_t unsealed_rows = 0;
  };

  const RingId ring;
  bool writer_lives = false;  // else the ring is replayed, and what it says may be old
  JournalRow row;             // number 0: the store knows nothing of it yet
  JobRow job;                 // of row.job
  std::unordered_map<TrialKey, RunNumber, Hash128Hasher> trials;  // of live runs only
  std::map<RunNumber, LiveRun> runs;
  std::unordered_map<Hash128, ShapeNumber, Hash128Hasher> shapes;
  std::unordered_map<ShapeNumber, ShapeRow> shape_rows;
  std::deque<Tail> tails;  // oldest first
  uint64_t tail_bytes = 0;
  uint64_t results_undecodable = 0;  // in this batch, for want of their shape or trial
  uint64_t others_undecodable = 0;

 private:
  void read_rows(const Transaction& txn, LiveRun& run) const;
  void read_attempt(const Transaction& txn, LiveRun& run, uint32_t attempt) const;
  uint32_t find_attempt(const Transaction& txn, const LiveRun& run) const;
  bool is_in_charge(const Transaction& txn, const LiveRun& run) const;

  uint64_t as_of_ = 0;  // runs that were read at another number are not up to date
};

}  // namespace aimlog

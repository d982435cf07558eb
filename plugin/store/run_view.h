// What people see of a run: attempts merged, tails added. All functions copy out; no transaction
// stays open over output.
//
// Default view of a series: for each step the newest attempt that has it, within an attempt the
// later point. Summaries of this view come from stored summaries where those are exact, and from
// the points otherwise, so that ls and best always equal what one computes from get.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugin/store/environment.h"
#include "plugin/store/rows.h"
#include "plugin/store/series_table.h"

namespace aimlog {

struct Point {
  int64_t step = 0;
  int64_t time_ns = 0;
  Number epoch;  // none where there was none
  Number value;
  uint32_t attempt = 0;
};

// Both ends belong to it.
struct StepRange {
  int64_t first = std::numeric_limits<int64_t>::min();
  int64_t last = std::numeric_limits<int64_t>::max();
  bool has(int64_t step) const { return step >= first && step <= last; }
};

// The unsealed rows of the whole repo, copied once per transaction and shared by all runs.
class Tails {
 public:
  explicit Tails(const Transaction& txn);
  struct Row {
    uint32_t attempt = 0;
    JournalNumber journal = 0;
    uint64_t sequence = 0;
    ShapeNumber shape = 0;
    Bytes result;
  };
  const std::vector<Row>& of(RunNumber run) const;  // in order of attempt, journal, sequence
  const ShapeRow& shape(ShapeNumber number) const;  // of any of the rows

 private:
  std::map<RunNumber, std::vector<Row>> rows_;
  std::map<ShapeNumber, ShapeRow> shapes_;  // every shape that rows_ name
};

// All points of a series, in order of attempt, journal and sequence: nothing merged.
std::vector<Point> read_all_points(const Transaction& txn, const Tails& tails, RunNumber run,
                                   SeriesKey key);
// The same for several series with one pass over the chunks, only points of the steps asked for; a
// key without points has no entry. Of a chunk that has none of these steps only the steps are
// decoded.
std::map<SeriesKey, std::vector<Point>> read_all_points(const Transaction& txn, const Tails& tails,
                                                        RunNumber run,
                                                        const std::vector<SeriesKey>& keys,
                                                        const StepRange& steps = {});
// The default view, by rising step.
std::vector<Point> default_view(std::vector<Point> all);
std::vector<Point> read_points(const Transaction& txn, const Tails& tails, RunNumber run,
                               SeriesKey key);

// What the points of an attempt add up to that are in chunks. Throws Error(corrupt) where there are
// such points and no summaries: a row whose key is damaged is found under none, and what it told of
// must not be missing in silence.
SummaryMap read_sealed_summaries(const Transaction& txn, RunNumber run, uint32_t attempt);
// An attempt of a run that has `attempts`. None where there is no row because only a later one was
// imported; throws Error(corrupt) where there has to be one.
std::optional<AttemptRow> read_attempt(const Transaction& txn, RunNumber run, uint32_t attempt,
                                       uint32_t attempts);
// Summaries of the default view of every series of a run; only of `only` where given.
SummaryMap read_summaries(const Transaction& txn, const Tails& tails, RunNumber run,
                          const std::optional<std::vector<SeriesKey>>& only = std::nullopt);
// The same, for who has read the run's row, and knows its attempts.
SummaryMap read_summaries(const Transaction& txn, const Tails& tails, RunNumber run,
                          uint32_t attempts,
                          const std::optional<std::vector<SeriesKey>>& only = std::nullopt);
// Last values of what is no number, tails included.
std::map<SeriesKey, ObjectRow> read_objects(const Transaction& txn, const Tails& tails,
                                            RunNumber run);
// Results recorded for an attempt, tails included.
uint64_t read_result_count(const Transaction& txn, const Tails& tails, RunNumber run,
                           uint32_t attempt);

}  // namespace aimlog

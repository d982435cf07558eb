// Summaries of sealed points, per run and attempt, and the last values of what is no number.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "plugin/model/number.h"
#include "plugin/store/environment.h"
#include "plugin/store/rows.h"

namespace aimlog {

// Of one series within one attempt, or of a whole default view. NaN never is min or max; infinities
// may be.
struct SeriesSummary {
  uint64_t count = 0;
  Number first, last, min, max;
  int64_t first_step = 0, last_step = 0;  // of the first and the last point in order
  int64_t min_step = 0, max_step = 0;     // the first step at which min or max was reached
  double finite_sum = 0;  // compensated (see finite_sum_low); mean = sum / finite values
  double finite_sum_low = 0;
  uint64_t nan_count = 0;
  uint64_t infinite_count = 0;
  // Whether every step was above the one before: then the summary is true as it stands; else points
  // replaced each other and it has to be computed from them.
  bool steps_rise = true;

  // Adds a point behind all earlier ones.
  void add(int64_t step, Number value);
  // Adds a column of points, one a step; steps without a number are left out.
  void add(const std::vector<int64_t>& steps, const std::vector<Number>& values);
  // Adds another summary whose points all come behind ours.
  void append(const SeriesSummary& later);
  double mean() const;  // of the finite values; NaN if there is none
  bool operator==(const SeriesSummary&) const = default;

 private:
  size_t add_finite(const std::vector<int64_t>& steps, const std::vector<Number>& values,
                    size_t from);
};

using SummaryMap = std::map<SeriesKey, SeriesSummary>;
using NamedSummary = std::pair<SeriesKey, SeriesSummary>;

void put_summaries(WriteTransaction& txn, RunNumber run, uint32_t attempt,
                   const SummaryMap& summaries);
std::optional<SummaryMap> find_summaries(const Transaction& txn, RunNumber run, uint32_t attempt);
SummaryMap get_summaries(const Transaction& txn, RunNumber run, uint32_t attempt);  // or none

void put_objects(WriteTransaction& txn, RunNumber run,
                 const std::map<SeriesKey, ObjectRow>& objects);
std::map<SeriesKey, ObjectRow> get_objects(const Transaction& txn, RunNumber run);

}  // namespace aimlog

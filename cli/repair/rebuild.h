// Writes what was salvaged into a new, empty repo, run by run. What is referred to and lost gets a
// stand-in that says so in its name, so that nothing readable is left out for want of it.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <utility>

#include "cli/repair/mend_points.h"
#include "cli/repair/report.h"
#include "cli/repair/salvaged_repo.h"

namespace aimlog::cli {

class Rebuild {
 public:
  // `replayed`: journals whose rings will be replayed into the new repo; runs that are open through
  // others are closed as crashed.
  Rebuild(Environment& target, const Salvage& salvage, SalvagedRepo& repo,
          std::set<RingId> replayed, RepairReport& report);

  void run(const std::function<void(const std::string&)>& progress);

 private:
  using RunEntry = std::pair<const RunNumber, SalvagedRun>;

  void mend_jobs();
  void mend_job(JobNumber number);
  RunRow mended_row(const RunEntry& entry, RunReport& report) const;
  static void mend_attempts(const RunEntry& entry, RunRow& row, RunReport& report);
  bool is_replayed(JournalNumber journal) const { return replayed_journals_.count(journal) > 0; }
  uint64_t put_run(WriteTransaction& txn, const RunEntry& entry, RunReport& report);
  uint64_t put_params(WriteTransaction& txn, const RunEntry& entry, RunReport& report) const;
  AttemptRow stand_in(const RunEntry& entry, const MendedAttempt& points, bool is_newest) const;
  uint64_t put_attempts(WriteTransaction& txn, const RunEntry& entry, RunRow& row,
                        RunReport& report);
  void close_run(WriteTransaction& txn, const RunEntry& entry, RunRow& row, AttemptRow* newest,
                 int64_t last_ns) const;
  void put_jobs(WriteTransaction& txn);
  void put_names(WriteTransaction& txn);
  static void put_indexes(WriteTransaction& txn, RunNumber number, const SalvagedRun& run,
                          const RunRow& row);
  void put_trials(WriteTransaction& txn);
  void put_counters(WriteTransaction& txn);
  void need(SeriesKey key);

  Environment& target_;
  SalvagedRepo& repo_;
  const PointMender points_;
  const bool params_may_be_lost_, attempts_may_be_lost_;
  const std::set<RingId> replayed_;
  std::set<JournalNumber> replayed_journals_;
  RepairReport& report_;
  std::set<NameId> needed_names_;
  std::set<ContextId> needed_contexts_;
  JournalNumber newest_journal_ = 0;
};

}  // namespace aimlog::cli

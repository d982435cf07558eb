// Rows of many runs as they are stored, borrowed from the transaction: who lists thousands of runs
// reads each table once from end to end, and takes apart only what is asked for.
#pragma once

#include <functional>
#include <vector>

#include "plugin/store/environment.h"
#include "plugin/store/rows.h"
#include "plugin/store/series_table.h"

namespace aimlog {

// Calls `visit` for each run, by rising number.
void each_run_row(const Transaction& txn,
                  const std::function<void(RunNumber, ByteView row)>& visit);
ByteView get_run_row(const Transaction& txn, RunNumber number);
RunRow decode_run(ByteView row);

// What runs are chosen by, without the texts between.
struct RunHead {
  JobNumber job = 0;
  RunId id;
  ByteView trial_id;  // in the row
  TrialStatus status = TrialStatus::pending;
  uint32_t attempts = 0;
};
RunHead read_run_head(ByteView row);

// Of `runs`, which rise, the newest params row of each, as `view_params` takes it; empty = none.
std::vector<ByteView> newest_params_rows(const Transaction& txn,
                                         const std::vector<RunNumber>& runs);
// The same of the summaries of their first attempts, as `decode_summaries` takes them.
std::vector<ByteView> first_summaries_rows(const Transaction& txn,
                                           const std::vector<RunNumber>& runs);

struct ParamsView {
  ByteView params, config;  // encoded maps; empty = none given
};
ParamsView view_params(ByteView row);

// By rising key. `out` keeps its memory, so that one serves for many runs.
void decode_summaries(ByteView row, std::vector<NamedSummary>& out);

}  // namespace aimlog

// Runs, their attempts, params and checkpoints.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "plugin/store/environment.h"
#include "plugin/store/rows.h"

namespace aimlog {

RunNumber add_run(WriteTransaction& txn, const TrialKey& trial, const RunRow& row);
void put_run(WriteTransaction& txn, RunNumber number, const RunRow& row);
RunRow get_run(const Transaction& txn, RunNumber number);
std::optional<RunNumber> find_run(const Transaction& txn, JobNumber job, const TrialKey& trial);
std::optional<RunNumber> find_run_by_id(const Transaction& txn, const RunId& id);
// All runs whose id begins with these hex digits (at least one), at most `limit`.
std::vector<RunNumber> find_runs_by_prefix(const Transaction& txn, std::string_view hex_prefix,
                                           size_t limit);
void each_run(const Transaction& txn, const std::function<void(RunNumber, const RunRow&)>& visit);

// Attempts count from 1.
void put_attempt(WriteTransaction& txn, RunNumber run, uint32_t attempt, const AttemptRow& row);
std::optional<AttemptRow> get_attempt(const Transaction& txn, RunNumber run, uint32_t attempt);

// The trial id behind a key, until add_run() for that key: a trial's record comes before its run.
void put_trial_id(WriteTransaction& txn, JobNumber job, const TrialKey& trial, ByteView trial_id);
std::optional<std::string> get_trial_id(const Transaction& txn, JobNumber job,
                                        const TrialKey& trial);

void add_params(WriteTransaction& txn, RunNumber run, const ParamsRow& row);
std::vector<ParamsRow> get_params_history(const Transaction& txn, RunNumber run);  // oldest first
std::optional<ParamsRow> get_params(const Transaction& txn, RunNumber run);        // the newest

void add_checkpoint(WriteTransaction& txn, RunNumber run, const CheckpointRow& row);
std::vector<CheckpointRow> get_checkpoints(const Transaction& txn, RunNumber run);  // oldest first

}  // namespace aimlog

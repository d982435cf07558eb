// Experiments and their jobs.
#pragma once

#include <functional>
#include <optional>

#include "plugin/store/environment.h"
#include "plugin/store/rows.h"

namespace aimlog {

ExperimentNumber intern_experiment(WriteTransaction& txn, ByteView name, int64_t now_ns);
std::optional<ExperimentNumber> find_experiment(const Transaction& txn, ByteView name);
ExperimentRow get_experiment(const Transaction& txn, ExperimentNumber number);
void each_experiment(const Transaction& txn,
                     const std::function<void(ExperimentNumber, const ExperimentRow&)>& visit);

JobNumber add_job(WriteTransaction& txn, const JobRow& row);  // also binds row.token
void put_job(WriteTransaction& txn, JobNumber number, const JobRow& row);
JobRow get_job(const Transaction& txn, JobNumber number);
void each_job(const Transaction& txn, const std::function<void(JobNumber, const JobRow&)>& visit);

// Several tokens may lead to one job: each fresh start of a resumed job mints one.
void bind_token(WriteTransaction& txn, const JobToken& token, JobNumber job);
std::optional<JobNumber> find_job_by_token(const Transaction& txn, const JobToken& token);
// Newest first, of one experiment.
std::vector<JobNumber> jobs_of_experiment(const Transaction& txn, ExperimentNumber experiment);

}  // namespace aimlog

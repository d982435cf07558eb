#include "plugin/store/job_table.h"

#include <algorithm>

#include "plugin/base/hash.h"
#include "plugin/store/table_access.h"

namespace aimlog {

ExperimentNumber intern_experiment(WriteTransaction& txn, ByteView name, int64_t now_ns) {
  if (const auto known = find_experiment(txn, name)) return *known;
  const ExperimentNumber number = next_number(txn, Counter::experiment);
  txn.put(Table::experiments, Key(ExperimentKind::experiment).add(number),
          encode_row(ExperimentRow{std::string(name), now_ns}));
  txn.put(Table::experiments, Key(ExperimentKind::name_hash).add(hash128(name)),
          encode_number(number));
  return number;
}

std::optional<ExperimentNumber> find_experiment(const Transaction& txn, ByteView name) {
  return find_number(txn, Table::experiments, Key(ExperimentKind::name_hash).add(hash128(name)));
}

ExperimentRow get_experiment(const Transaction& txn, ExperimentNumber number) {
  return expect_row<ExperimentRow>(txn, Table::experiments,
                                   Key(ExperimentKind::experiment).add(number), "experiment");
}

void each_experiment(const Transaction& txn,
                     const std::function<void(ExperimentNumber, const ExperimentRow&)>& visit) {
  each_row(txn, Table::experiments, Key(ExperimentKind::experiment),
           [&](KeyReader& key, ByteView row) {
             visit(key.number<ExperimentNumber>(), decode_row<ExperimentRow>(row));
           });
}

JobNumber add_job(WriteTransaction& txn, const JobRow& row) {
  const JobNumber number = next_number(txn, Counter::job);
  put_job(txn, number, row);
  txn.put(Table::jobs, Key(JobKind::of_experiment).add(row.experiment).add(number), {});
  bind_token(txn, row.token, number);
  return number;
}

void put_job(WriteTransaction& txn, JobNumber number, const JobRow& row) {
  txn.put(Table::jobs, Key(JobKind::job).add(number), encode_row(row));
}

JobRow get_job(const Transaction& txn, JobNumber number) {
  return expect_row<JobRow>(txn, Table::jobs, Key(JobKind::job).add(number), "job");
}

void each_job(const Transaction& txn, const std::function<void(JobNumber, const JobRow&)>& visit) {
  each_row(txn, Table::jobs, Key(JobKind::job), [&](KeyReader& key, ByteView row) {
    visit(key.number<JobNumber>(), decode_row<JobRow>(row));
  });
}

void bind_token(WriteTransaction& txn, const JobToken& token, JobNumber job) {
  txn.put(Table::jobs, Key(JobKind::token).add(token), encode_number(job));
}

std::optional<JobNumber> find_job_by_token(const Transaction& txn, const JobToken& token) {
  return find_number(txn, Table::jobs, Key(JobKind::token).add(token));
}

std::vector<JobNumber> jobs_of_experiment(const Transaction& txn, ExperimentNumber experiment) {
  std::vector<JobNumber> jobs;
  each_row(txn, Table::jobs, Key(JobKind::of_experiment).add(experiment),
           [&](KeyReader& key, ByteView) { jobs.push_back(key.number<JobNumber>()); });
  std::reverse(jobs.begin(), jobs.end());
  return jobs;
}

}  // namespace aimlog

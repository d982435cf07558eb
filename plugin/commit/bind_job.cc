#include "plugin/commit/bind_job.h"

#include <optional>

#include "plugin/commit/take_over.h"
#include "plugin/store/job_table.h"
#include "plugin/store/journal_table.h"

namespace aimlog {
namespace {

constexpr int32_t fresh = 0;
constexpr int32_t resumed = 1;

std::optional<JobNumber> find_anywhere(const Transaction& txn, const std::string& job_id) {
  size_t count = 0;
  JobNumber found{};
  each_job(txn, [&](JobNumber number, const JobRow& job) {
    if (job.host_job_id != job_id) return;
    found = number;
    ++count;
  });
  return count == 1 ? std::optional(found) : std::nullopt;
}

// Newest first. An experiment that a session merely names need not be there.
std::vector<JobNumber> jobs_named(const Transaction& txn, const std::string& experiment) {
  const auto number = find_experiment(txn, experiment);
  return number ? jobs_of_experiment(txn, *number) : std::vector<JobNumber>();
}

std::optional<JobNumber> find_by_host_id(const Transaction& txn, const SessionEvent& session) {
  for (const JobNumber number : jobs_named(txn, session.experiment)) {
    if (get_job(txn, number).host_job_id == session.job_id) return number;
  }
  // A host that knows that it goes on may call the experiment otherwise by now.
  if (session.resumed == resumed) return find_anywhere(txn, session.job_id);
  return std::nullopt;
}

bool has_other_live_journal(const Transaction& txn, const RingId& ring, JobNumber job,
                            const IsLive& is_live, bool count_ended) {
  bool found = false;
  each_journal(txn, [&](const RingId& other, const JournalRow& row) {
    const bool counts = other != ring && row.job == job && !row.closed;
    found = found || (counts && (count_ended || !row.ended) && is_live(other));
  });
  return found;
}

std::optional<JobNumber> find_newest_left(const Transaction& txn, const RingId& ring,
                                          const SessionEvent& session, const IsLive& is_live) {
  const bool may_have_ended = session.resumed == resumed;
  for (const JobNumber number : jobs_named(txn, session.experiment)) {
    if (has_other_live_journal(txn, ring, number, is_live, true)) continue;
    if (get_job(txn, number).ended_ns != 0 && !may_have_ended) return std::nullopt;
    return number;
  }
  return std::nullopt;
}

std::optional<JobNumber> find_job(const Transaction& txn, const RingId& ring,
                                  const SessionEvent& session, const IsLive& is_live) {
  if (const auto job = find_job_by_token(txn, session.token)) return job;
  if (session.resumed == fresh) return std::nullopt;
  if (!session.job_id.empty()) return find_by_host_id(txn, session);
  return find_newest_left(txn, ring, session, is_live);
}

void describe(JobRow& job, const SessionEvent& session) {
  take_over(job.host_job_id, session.job_id);
  take_over(job.machine, session.machine);
  take_over(job.experiment_dir, session.experiment_dir);
  take_over(job.host_name, session.host_name);
  take_over(job.host_version, session.host_version);
  take_over(job.metric_namespace, session.metric_namespace);
  take_over(job.metric, session.metric);
  take_over(job.mode, session.mode);
  take_over(job.stop, session.stop);
  take_over(job.description, session.description);
  if (session.num_samples != 0) job.num_samples = session.num_samples;
  if (session.total_num_samples != 0) job.total_num_samples = session.total_num_samples;
  if (session.time_budget_s != 0) job.time_budget_s = session.time_budget_s;
  if (!session.tags.empty()) job.tags = session.tags;
}

}  // namespace

bool has_other_working_journal(const Transaction& txn, const RingId& ring, JobNumber job,
                               const IsLive& is_live) {
  return has_other_live_journal(txn, ring, job, is_live, false);
}

JobNumber bind_job(WriteTransaction& txn, const RingId& ring, const SessionEvent& session,
                   const IsLive& is_live) {
  if (const auto number = find_job(txn, ring, session, is_live)) {
    JobRow job = get_job(txn, *number);
    describe(job, session);
    job.ended_ns = job.end_said_ns = 0;
    job.interrupted = false;
    put_job(txn, *number, job);
    bind_token(txn, session.token, *number);
    return *number;
  }
  JobRow job;
  job.experiment = intern_experiment(txn, session.experiment, session.time_ns);
  job.token = session.token;
  job.created_ns = session.time_ns;
  describe(job, session);
  return add_job(txn, job);
}

}  // namespace aimlog

#include "tests/simulator/compare.h"

#include <algorithm>

#include "plugin/store/job_table.h"
#include "plugin/store/journal_table.h"
#include "plugin/store/name_table.h"
#include "plugin/store/run_table.h"
#include "plugin/store/run_view.h"
#include "tests/simulator/fault.h"

namespace aimlog::sim {
namespace {

std::string describe(const ModelPoint& point) {
  return "attempt " + std::to_string(point.attempt) + " step " + std::to_string(point.step) +
         " value " + std::to_string(point.value);
}

// Which rule the first difference breaks: something doubled, lost, invented, or out of order.
void compare_points(const std::string& run, const std::vector<ModelPoint>& wanted,
                    const std::vector<ModelPoint>& found) {
  if (wanted == found) return;
  std::map<int64_t, int> values;
  for (const ModelPoint& point : wanted) ++values[point.value];
  for (const ModelPoint& point : found) --values[point.value];
  for (const ModelPoint& point : found) {
    const auto same = std::count_if(found.begin(), found.end(), [&](const ModelPoint& other) {
      return other.value == point.value;
    });
    expect(same == 1, "NothingIsDoubled", run + ": " + describe(point));
  }
  for (const auto& [value, difference] : values) {
    expect(difference <= 0, "NothingIsLost", run + ": value " + std::to_string(value));
    expect(difference >= 0, "NothingIsInvented", run + ": value " + std::to_string(value));
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    expect(wanted[i] == found[i], "PointsAreAsTheyCame",
           run + ": " + describe(found[i]) + " instead of " + describe(wanted[i]));
  }
}

class Comparison {
 public:
  Comparison(const Transaction& txn, const Model& model)
      : txn_(txn), model_(model), tails_(txn), value_(find_name(txn, "v")) {}

  void jobs() {
    std::map<JobNumber, const ModelJob*> known;
    each_job(txn_, [&](JobNumber number, const JobRow& row) {
      const auto job = model_.jobs.find(row.host_job_id);
      expect(job != model_.jobs.end(), "NothingIsInvented", "job " + row.host_job_id);
      expect((row.ended_ns != 0) == job->second.ended, "JobsAreAsTheyWere",
             "job " + row.host_job_id + " ended or not");
      known[number] = &job->second;
    });
    expect(known.size() == model_.jobs.size(), "NothingIsLost", "a job");
    size_t runs = 0;
    each_run(txn_, [&](RunNumber number, const RunRow& row) {
      const auto& wanted = known.at(row.job)->runs;
      const auto run_there = wanted.find(row.trial_id);
      expect(run_there != wanted.end(), "NothingIsInvented", "run " + row.trial_id);
      run(number, row, run_there->second);
      ++runs;
    });
    size_t wanted_runs = 0;
    for (const auto& [id, job] : model_.jobs) wanted_runs += job.runs.size();
    expect(runs == wanted_runs, "NothingIsLost", "a run");
  }

  void losses(uint64_t spare) const {
    ModelLosses found;
    each_loss(txn_, [&](const LossRow& row) {
      if (row.kind == LossKind::dropped) {
        found.dropped_results += row.results;
        found.dropped_others += row.others;
      } else if (row.kind == LossKind::damaged) {
        found.missing += row.results + row.others;
      } else {
        found.undecodable_results += row.results;
        found.undecodable_others += row.others;
      }
    });
    const ModelLosses& wanted = model_.losses;
    const bool close = found.missing >= wanted.missing && found.missing <= wanted.missing + spare;
    const std::string numbers = std::to_string(found.missing) + " missing instead of " +
                                std::to_string(wanted.missing) + " and up to " +
                                std::to_string(spare);
    expect(close, "LossesAreCounted", numbers);
    found.missing = wanted.missing;
    expect(found == wanted, "LossesAreCounted",
           std::to_string(found.dropped_results) + "+" + std::to_string(found.dropped_others) +
               " dropped, " + std::to_string(found.undecodable_results) + "+" +
               std::to_string(found.undecodable_others) + " undecodable, instead of " +
               std::to_string(wanted.dropped_results) + "+" +
               std::to_string(wanted.dropped_others) + " and " +
               std::to_string(wanted.undecodable_results) + "+" +
               std::to_string(wanted.undecodable_others));
  }

 private:
  void run(RunNumber number, const RunRow& row, const ModelRun& wanted) {
    const std::string& name = row.trial_id;
    points(number, name, wanted);
    expect(row.status == wanted.status && row.closed_by_us == wanted.closed_by_us,
           "StatusesAreAsTheyWere",
           name + " is " + status_name(row.status) + " instead of " + status_name(wanted.status));
    expect(row.failures == wanted.failures && row.error_text == wanted.error_text,
           "StatusesAreAsTheyWere", name + ": its failures");
    expect(row.attempts == wanted.attempts.size(), "AttemptsAreAsTheyWere",
           name + " has " + std::to_string(row.attempts) + " instead of " +
               std::to_string(wanted.attempts.size()));
    for (uint32_t i = 1; i <= row.attempts; ++i) attempt(number, name, i, wanted);
    expect(get_checkpoints(txn_, number).size() == wanted.checkpoints, "NothingIsLost",
           name + ": its checkpoints");
  }

  void attempt(RunNumber number, const std::string& name, uint32_t index, const ModelRun& wanted) {
    const auto row = get_attempt(txn_, number, index);
    const TrialStatus status = wanted.attempts[index - 1];
    expect(row && row->status == status, "AttemptsAreAsTheyWere",
           name + " attempt " + std::to_string(index) + " is " +
               (row ? status_name(row->status) : "missing") + " instead of " + status_name(status));
    const auto results = static_cast<uint64_t>(
        std::count_if(wanted.points.begin(), wanted.points.end(),
                      [&](const ModelPoint& point) { return point.attempt == index; }));
    expect(read_result_count(txn_, tails_, number, index) == results, "CountsAreRight",
           name + " attempt " + std::to_string(index));
  }

  void points(RunNumber number, const std::string& name, const ModelRun& wanted) {
    std::vector<ModelPoint> found;
    if (value_) {
      for (const Point& point : read_all_points(txn_, tails_, number, {*value_, 0})) {
        found.push_back(
            {point.attempt, point.step, point.time_ns, static_cast<int64_t>(point.value.bits)});
      }
    }
    compare_points(name, wanted.points, found);
  }

  const Transaction& txn_;
  const Model& model_;
  const Tails tails_;
  const std::optional<NameId> value_;
};

}  // namespace

void compare(Environment& environment, const Model& model, uint64_t spare_losses) {
  const Transaction txn(environment);
  Comparison comparison(txn, model);
  comparison.jobs();
  comparison.losses(spare_losses);
}

}  // namespace aimlog::sim

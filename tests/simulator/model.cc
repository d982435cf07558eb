#include "tests/simulator/model.h"

#include <algorithm>

#include "plugin/model/event_codec.h"
#include "plugin/model/result_codec.h"
#include "tests/simulator/fault.h"

namespace aimlog::sim {
namespace {

bool closed_with_run(const ModelRun& run) {
  return run.closed_by_us && !run.attempts.empty() && run.attempts.back() == run.status;
}

bool settled(const ModelRun& run) { return !is_open(run.status) && !run.closed_by_us; }

}  // namespace

void Model::apply(size_t journal, const RingLog& log, uint64_t last) {
  for (const Record& record : log.records) {
    if (record.sequence > last || !record.stands) continue;
    if (place(journal, decode_event(record.type, record.payload()))) continue;
    ++(record.type == EventType::result ? losses.undecodable_results : losses.undecodable_others);
  }
}

void Model::learn_shapes(const RingLog& log, uint64_t last) {
  for (const Record& record : log.records) {
    if (record.sequence > last || record.type != EventType::shape) continue;
    const Event event = decode_event(record.type, record.payload());
    shapes_[std::get<ShapeEvent>(event).hash] = std::get<ShapeEvent>(event).names;
  }
}

void Model::conclude(size_t journal, bool in_order) {
  if (!journals_[journal].closed)
    close_open_runs(journal, in_order ? TrialStatus::stopped : TrialStatus::crashed);
}

bool Model::place(size_t number, const Event& event) {
  Journal& journal = journals_[number];
  if (const auto* session = std::get_if<SessionEvent>(&event)) {
    journal.job = &jobs[session->job_id];
    journal.job->ended = false;
    return true;
  }
  if (const auto* shape = std::get_if<ShapeEvent>(&event)) {
    shapes_[shape->hash] = shape->names;
    return true;
  }
  if (const auto* gap = std::get_if<GapEvent>(&event)) {
    losses.dropped_results += gap->results;
    losses.dropped_others += gap->others;
    return true;
  }
  if (journal.job == nullptr) return false;
  if (const auto* trial = std::get_if<TrialEvent>(&event)) {
    journal.job->trials[trial->trial] = trial->id;
    return true;
  }
  if (const auto* result = std::get_if<ResultEvent>(&event)) return place_result(number, *result);
  if (std::holds_alternative<ExperimentEndEvent>(event)) {
    end_experiment(number);
    return true;
  }
  if (std::holds_alternative<CloseEvent>(event)) {
    close_open_runs(number, TrialStatus::stopped);
    journal.closed = true;
    return true;
  }
  const auto with_run = [&](const TrialKey& trial, auto&& action) {
    ModelRun* run = find(number, trial);
    if (run != nullptr) action(*run);
    return run != nullptr;
  };
  if (const auto* start = std::get_if<StartEvent>(&event))
    return with_run(start->trial, [&](ModelRun& run) { place_start(number, run, *start); });
  if (const auto* checkpoint = std::get_if<CheckpointEvent>(&event))
    return with_run(checkpoint->trial, [](ModelRun& run) { ++run.checkpoints; });
  if (const auto* end = std::get_if<EndEvent>(&event))
    return with_run(end->trial, [&](ModelRun& run) { place_end(number, run, *end); });
  const auto& failure = std::get<FailureEvent>(event);
  return with_run(failure.trial, [&](ModelRun& run) { place_failure(number, run, failure); });
}

ModelRun* Model::find(size_t journal, const TrialKey& trial) {
  ModelJob& job = *journals_[journal].job;
  const auto id = job.trials.find(trial);
  if (id == job.trials.end()) return nullptr;
  const auto [found, is_new] = job.runs.try_emplace(id->second);
  ModelRun& run = found->second;
  if (is_new) run.open_in.insert(journal);
  if (run.attempts.empty() || run.journal == journal) return &run;
  run.open_in.erase(run.journal);
  if (is_open(run.status)) run.open_in.insert(journal);
  run.journal = journal;
  return &run;
}

void Model::begin_attempt(size_t journal, ModelRun& run) {
  if (!run.attempts.empty() && run.attempts.back() == TrialStatus::running)
    run.attempts.back() = TrialStatus::stopped;
  if (!is_open(run.status) || run.attempts.empty()) run.open_in.insert(journal);
  run.attempts.push_back(TrialStatus::running);
  run.status = TrialStatus::running;
  run.closed_by_us = false;
  run.restored = false;
  run.journal = journal;
  run.results = 0;
}

void Model::go_on(size_t journal, ModelRun& run) {
  const bool unannounced = run.attempts.empty() || run.status == TrialStatus::pending;
  if (unannounced || run.status == TrialStatus::crashed) return begin_attempt(journal, run);
  if (!run.closed_by_us) return;
  run.open_in.insert(journal);
  run.status = run.attempts.back() = TrialStatus::running;
  run.closed_by_us = false;
}

void Model::end_run(size_t journal, ModelRun& run, TrialStatus status, bool by_us) {
  if (is_open(run.status)) run.open_in.erase(journal);
  const bool running = !run.attempts.empty() && run.attempts.back() == TrialStatus::running;
  if (running || closed_with_run(run)) run.attempts.back() = status;
  run.status = status;
  run.closed_by_us = by_us;
}

void Model::close_open_runs(size_t journal, TrialStatus status) {
  ModelJob* job = journals_[journal].job;
  if (job == nullptr) return;
  for (auto& [id, run] : job->runs) {
    if (run.open_in.contains(journal) && is_open(run.status)) end_run(journal, run, status, true);
  }
}

void Model::end_experiment(size_t journal) {
  close_open_runs(journal, TrialStatus::stopped);
  ModelJob& job = *journals_[journal].job;
  for (auto& [id, run] : job.runs) {
    const bool had_worker = !run.attempts.empty() && run.attempts.back() == TrialStatus::crashed;
    if (run.status == TrialStatus::crashed && run.closed_by_us && !had_worker)
      run.status = TrialStatus::stopped;
  }
  job.ended = true;
}

void Model::place_start(size_t journal, ModelRun& run, const StartEvent& event) {
  const bool same_start =
      event.restored && run.status == TrialStatus::running && run.results == 0 && !run.restored;
  if (!same_start) begin_attempt(journal, run);
  run.restored = run.restored || event.restored;
  run.failures = std::max(run.failures, event.failure_count);
}

bool Model::place_result(size_t journal, const ResultEvent& event) {
  const auto names = shapes_.find(event.shape);
  if (names == shapes_.end()) return false;
  ModelRun* run = find(journal, event.trial);
  if (run == nullptr) return false;
  go_on(journal, *run);
  ++run->results;
  ResultView result;
  decode_result(event.result, result);
  const auto column = std::find(names->second.begin(), names->second.end(), "v");
  expect(column != names->second.end(), "ResultsHaveTheirValue", "a shape without v");
  const Number value = result.numbers[static_cast<size_t>(column - names->second.begin())];
  run->points.push_back({static_cast<uint32_t>(run->attempts.size()),
                         result.step_is_count ? static_cast<int64_t>(run->results) : result.step,
                         result.time_ns, static_cast<int64_t>(value.bits)});
  return true;
}

void Model::place_end(size_t journal, ModelRun& run, const EndEvent& event) {
  if (settled(run)) return;
  if (event.status != TrialStatus::paused) {
    const bool idle = run.attempts.empty() || run.status == TrialStatus::pending;
    return end_run(journal, run, idle ? TrialStatus::stopped : event.status, false);
  }
  if (!is_open(run.status)) go_on(journal, run);
  if (!run.attempts.empty() && run.attempts.back() == TrialStatus::running)
    run.attempts.back() = TrialStatus::paused;
  run.status = TrialStatus::paused;
}

void Model::place_failure(size_t journal, ModelRun& run, const FailureEvent& event) {
  if (settled(run)) return;
  run.failures =
      event.failure_count != 0 ? std::max(run.failures, event.failure_count) : run.failures + 1;
  run.error_text = event.error_text;
  if (event.final) return end_run(journal, run, TrialStatus::failed, false);
  if (!is_open(run.status)) run.open_in.insert(journal);
  const bool open = !run.attempts.empty() && is_open(run.attempts.back());
  if (open || closed_with_run(run)) run.attempts.back() = TrialStatus::failed;
  run.status = TrialStatus::pending;
  run.closed_by_us = false;
}

}  // namespace aimlog::sim

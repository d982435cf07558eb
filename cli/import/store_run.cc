#include "cli/import/store_run.h"

#include <algorithm>
#include <map>
#include <set>

#include "cli/import/point_chunks.h"
#include "plugin/base/parallel.h"
#include "plugin/store/job_table.h"
#include "plugin/store/name_table.h"
#include "plugin/store/row_group.h"
#include "plugin/store/run_table.h"
#include "plugin/store/series_table.h"

namespace aimlog::cli {
namespace {

// Chunks of imported runs came through no journal.
constexpr JournalNumber no_journal = 0;

JobNumber find_or_add_job(WriteTransaction& txn, AimOrigin& origin) {
  if (const auto number = find_job_by_token(txn, origin.job.token)) return *number;
  origin.job.experiment = intern_experiment(txn, origin.experiment, origin.job.created_ns);
  return add_job(txn, origin.job);
}

// Aim may hold several runs of one trial: then the hash tells them apart.
TrialKey free_key(const Transaction& txn, JobNumber job, const RunRow& row) {
  const TrialKey key = trial_key(row.trial_id);
  return find_run(txn, job, key) ? trial_key("aim:" + row.id.hex()) : key;
}

bool same_params(const std::optional<ParamsRow>& known, const ParamsRow& row) {
  return known && known->params == row.params && known->config == row.config;
}

// A run has a row for each of its attempts. Of an earlier one that Aim does not have, or whose turn
// comes later, nothing is known but that there was one.
void put_earlier_attempts(WriteTransaction& txn, RunNumber number, const AimOrigin& origin) {
  AttemptRow unknown;
  unknown.status = TrialStatus::crashed;
  unknown.started_ns = unknown.ended_ns = origin.attempt.started_ns;
  for (uint32_t attempt = 1; attempt < origin.attempt_number; ++attempt)
    if (!get_attempt(txn, number, attempt)) put_attempt(txn, number, attempt, unknown);
}

// Brings the rows of a run that is there up to date; gives whether anything changed.
bool update_rows(WriteTransaction& txn, RunNumber number, const AimOrigin& origin) {
  RunRow row = get_run(txn, number);
  const auto attempt = get_attempt(txn, number, origin.attempt_number);
  bool changed = false;
  if (!attempt || attempt->status != origin.attempt.status ||
      attempt->ended_ns != origin.attempt.ended_ns) {
    AttemptRow now = origin.attempt;
    if (attempt) now.sealed_results = attempt->sealed_results;
    put_attempt(txn, number, origin.attempt_number, now);
    put_earlier_attempts(txn, number, origin);
    changed = true;
  }
  if (origin.attempt_number >= row.attempts &&
      (row.status != origin.run.status || row.ended_ns != origin.run.ended_ns ||
       row.attempts != origin.attempt_number)) {
    row.status = origin.run.status;
    row.ended_ns = origin.run.ended_ns;
    row.closed_by_us = origin.run.closed_by_us;
    row.error_text = origin.run.error_text;
    row.failures = std::max(row.failures, origin.run.failures);
    row.attempts = origin.attempt_number;
    put_run(txn, number, row);
    changed = true;
  }
  std::optional<ParamsRow> known;
  for (ParamsRow& each : get_params_history(txn, number))
    if (each.attempt <= origin.attempt_number) known = std::move(each);
  if (!same_params(known, origin.params)) {
    add_params(txn, number, origin.params);
    changed = true;
  }
  return changed;
}

bool is_imported(const Transaction& txn, RunNumber number) {
  const RunRow row = get_run(txn, number);
  const auto attempt = get_attempt(txn, number, row.attempts);
  return attempt && attempt->journal == no_journal;
}

// Names and contexts to their numbers; runs of a batch have most of them in common.
class SeriesKeys {
 public:
  explicit SeriesKeys(WriteTransaction& txn) : txn_(txn) {}

  // One for each of the run's series. Where a series of somebody else's clashes with a bare name
  // of ours, it gets another.
  std::vector<SeriesKey> of(const AimOrigin& origin, const std::vector<aim::AimSeries>& series) {
    std::vector<SeriesKey> keys(series.size());
    std::set<SeriesKey> taken;
    for (const bool bare : {true, false}) {
      for (size_t i = 0; i < series.size(); ++i) {
        std::string name = origin.bare_name(series[i].name);
        if ((name != series[i].name) != bare) continue;
        keys[i] = {name_of(name), context_of(series[i].context)};
        while (!taken.insert(keys[i]).second) keys[i].name = name_of(name.insert(0, "aim:"));
      }
    }
    return keys;
  }

 private:
  NameId name_of(const std::string& name) {
    const auto [place, is_new] = names_.try_emplace(name);
    if (is_new) place->second = intern_name(txn_, name);
    return place->second;
  }
  ContextId context_of(const ValueMap& context) {
    if (context.empty()) return 0;
    Bytes bytes;
    append_value(bytes, Value{context});
    const auto [place, is_new] = contexts_.try_emplace(bytes);
    if (is_new) place->second = intern_context(txn_, bytes);
    return place->second;
  }

  WriteTransaction& txn_;
  std::map<std::string, NameId> names_;
  std::map<Bytes, ContextId> contexts_;
};

// A run on its way into the store.
struct Incoming {
  const aim::ReadRun* read = nullptr;
  StoreResult* result = nullptr;
  AimOrigin origin;
  RunNumber number = 0;
  bool is_new = false, changed = false;
  KnownPoints known;
  EncodedPoints encoded;
};

void read_known(const Transaction& txn, const Tails& tails, Incoming& run) {
  const uint32_t attempt = run.origin.attempt_number;
  for (auto& [key, points] : read_all_points(txn, tails, run.number, run.known.keys)) {
    std::erase_if(points, [&](const Point& point) { return point.attempt != attempt; });
    if (!points.empty()) run.known.all[key] = default_view(std::move(points));
  }
  run.known.summaries = get_summaries(txn, run.number, attempt);
  each_chunk(txn, run.number, [&](const ChunkKey& key, ByteView encoded) {
    uint64_t& last = run.known.last_sequence;
    if (key.attempt == attempt) last = std::max(last, RowGroupReader(encoded).last_sequence());
  });
}

// The run's rows; false where it was recorded here.
bool put_rows(WriteTransaction& txn, Incoming& run) {
  AimOrigin& origin = run.origin;
  const auto known = find_run_by_id(txn, origin.run.id);
  if (known && !is_imported(txn, *known)) return false;
  run.is_new = !known;
  if (known) {
    run.number = *known;
    run.changed = update_rows(txn, run.number, origin);
    return true;
  }
  origin.run.job = find_or_add_job(txn, origin);
  run.number = add_run(txn, free_key(txn, origin.run.job, origin.run), origin.run);
  put_attempt(txn, run.number, origin.attempt_number, origin.attempt);
  put_earlier_attempts(txn, run.number, origin);
  add_params(txn, run.number, origin.params);
  return true;
}

void put_points(WriteTransaction& txn, const Incoming& run) {
  const uint32_t attempt = run.origin.attempt_number;
  const EncodedPoints& encoded = run.encoded;
  if (encoded.points == 0) return;
  for (const auto& [sequence, bytes] : encoded.chunks)
    put_chunk(txn, {run.number, attempt, no_journal, sequence}, bytes);
  put_summaries(txn, run.number, attempt, encoded.summaries);
  AttemptRow row = get_attempt(txn, run.number, attempt).value_or(AttemptRow{});
  row.sealed_results += encoded.steps;
  put_attempt(txn, run.number, attempt, row);
}

void finish(WriteTransaction& txn, const Incoming& run) {
  put_points(txn, run);
  run.result->points = run.encoded.points;
  if (run.is_new)
    run.result->outcome = Stored::added;
  else if (run.changed || run.encoded.points > 0)
    run.result->outcome = Stored::updated;
}

}  // namespace

std::vector<StoreResult> store_runs(WriteTransaction& txn,
                                    const std::vector<const aim::ReadRun*>& reads) {
  const Tails tails(txn);
  SeriesKeys keys(txn);
  std::vector<StoreResult> results(reads.size());
  std::vector<Incoming> runs(reads.size());
  parallel_each(reads.size(), [&](size_t i) {
    runs[i].read = reads[i];
    runs[i].result = &results[i];
    runs[i].origin = origin_of(*reads[i]);
  });
  // Two of Aim's may say that they are one attempt of ours: then the second comes after the first.
  while (!runs.empty()) {
    std::vector<Incoming> round, later;
    std::set<std::pair<RunId, uint32_t>> seen;
    for (Incoming& run : runs) {
      const bool is_first = seen.emplace(run.origin.run.id, run.origin.attempt_number).second;
      (is_first ? round : later).push_back(std::move(run));
    }
    std::erase_if(round, [&](Incoming& run) {
      if (!put_rows(txn, run)) {
        run.result->outcome = Stored::native;
        return true;
      }
      run.known.keys = keys.of(run.origin, run.read->run.series);
      if (!run.is_new) read_known(txn, tails, run);
      return false;
    });
    parallel_each(round.size(), [&](size_t i) {
      round[i].encoded = encode_points(round[i].read->run.series, round[i].known);
    });
    for (const Incoming& run : round) finish(txn, run);
    runs = std::move(later);
  }
  return results;
}

}  // namespace aimlog::cli

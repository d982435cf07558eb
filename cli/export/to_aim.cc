#include "cli/export/to_aim.h"

#include "plugin/base/hash.h"
#include "plugin/store/run_table.h"

namespace aimlog::cli {
namespace {

// Counts up whenever the same run is written in another way.
constexpr uint64_t mapping_version = 2;

void add_params_row(Bytes& all, const ParamsRow& row) {
  append_fixed(all, row.time_ns);
  append_string(all, row.params);
  append_string(all, row.config);
}

void add_row(Bytes& all, const RunRow& row, const JobRow& job, const std::string& experiment) {
  for (const std::string* text :
       {&row.trial_id, &row.trial_name, &row.trainable_name, &row.experiment_tag, &row.local_dir,
        &row.remote_dir, &row.error_text, &job.host_job_id, &job.host_name, &job.host_version,
        &job.metric_namespace, &job.description, &job.experiment_dir, &job.metric, &job.mode,
        &experiment})
    append_string(all, *text);
  for (const std::string& tag : job.tags) append_string(all, tag);
  append_fixed(all, static_cast<uint8_t>(row.status));
  append_fixed(all, row.created_ns);
  append_fixed(all, row.ended_ns);
  append_fixed(all, row.attempts);
  append_fixed(all, row.failures);
}

Bytes identity(Snapshot& snapshot, const AimSubject& subject, const AimOptions& options) {
  Bytes all;
  append_fixed(all, mapping_version);
  append_fixed(all, subject.attempt);
  append_fixed(all, static_cast<uint8_t>(options.bare_names));
  append_fixed(all, static_cast<uint8_t>(options.keep_nan));
  for (const std::string& pattern : options.metrics) append_string(all, pattern);
  const RunRow& row = subject.row;
  add_row(all, row, snapshot.job(row.job), snapshot.experiment_of(row.job));
  const Transaction& txn = snapshot.txn();
  for (uint32_t attempt = 1; attempt <= row.attempts; ++attempt) {
    if (subject.attempt != 0 && attempt != subject.attempt) continue;
    append_fixed(all, read_result_count(txn, snapshot.tails(), subject.number, attempt));
    const auto found = get_attempt(txn, subject.number, attempt);
    if (!found) continue;
    append_fixed(all, static_cast<uint8_t>(found->status));
    append_fixed(all, found->ended_ns);
    append_string(all, found->node_ip + found->error_text);
  }
  for (const ParamsRow& params : get_params_history(txn, subject.number))
    add_params_row(all, params);
  return all;
}

// The double nearest to a time: its nanoseconds do not fit one.
double to_seconds(int64_t time_ns) {
  return static_cast<double>(static_cast<long double>(time_ns) / 1e9L);
}

std::string attempt_hash(const RunId& run, uint32_t attempt) {
  const Hash128 hash = hash128(run.hex() + "/" + std::to_string(attempt));
  return to_hex(hash).substr(0, 24);
}

void put_text(ValueMap& map, const char* name, const std::string& text) {
  if (!text.empty()) map.emplace_back(name, Value{text});
}

void put_count(ValueMap& map, const char* name, int64_t count) {
  if (count != 0) map.emplace_back(name, Value{Number::of(count)});
}

// What Aim has no place for, under one name.
ValueMap details(const AimSubject& subject, const JobRow& job) {
  const RunRow& row = subject.row;
  ValueMap map;
  put_text(map, "run_id", row.id.hex());
  put_count(map, "attempt", subject.attempt);
  put_count(map, "attempts", row.attempts);
  put_count(map, "failures", row.failures);
  put_text(map, "trial_name", row.trial_name);
  put_text(map, "trainable_name", row.trainable_name);
  put_text(map, "experiment_tag", row.experiment_tag);
  put_text(map, "trial_remote_dir", row.remote_dir);
  if (!row.remote_dir.empty()) put_text(map, "trial_local_dir", row.local_dir);
  ValueMap of_job;
  put_text(of_job, "token", to_hex(job.token));
  put_text(of_job, "id", job.host_job_id);
  put_text(of_job, "host", job.host_name);
  put_text(of_job, "host_version", job.host_version);
  put_text(of_job, "namespace", job.metric_namespace);
  put_text(of_job, "machine", job.machine);
  put_text(of_job, "experiment_dir", job.experiment_dir);
  put_text(of_job, "metric", job.metric);
  put_text(of_job, "mode", job.mode);
  put_count(of_job, "created_ns", job.created_ns);
  // Not when it ended: its runs are complete before, and would all be written anew then.
  map.emplace_back("job", Value{std::move(of_job)});
  return map;
}

// Params as they were for the attempt: the last that came with it or before.
std::optional<ParamsRow> params_of(const Transaction& txn, const AimSubject& subject) {
  if (subject.attempt == 0) return get_params(txn, subject.number);
  std::optional<ParamsRow> found;
  for (ParamsRow& row : get_params_history(txn, subject.number))
    if (!found || row.attempt <= subject.attempt) found = std::move(row);
  return found;
}

Value decoded(const Bytes& encoded) { return encoded.empty() ? Value{} : decode_value(encoded); }

// What an import kept of a run in Aim beside params and points.
void take_extras(aim::AimRun& run, const Value& extras) {
  if (extras.map() == nullptr) return;
  for (const auto& [name, value] : *extras.map()) {
    if (name == "archived") run.is_archived = true;
    if (name == "notes" && value.list() != nullptr)
      for (const Value& note : *value.list())
        if (note.text() != nullptr) run.notes.push_back(*note.text());
    if (name == "params" && value.map() != nullptr)
      run.params.insert(run.params.end(), value.map()->begin(), value.map()->end());
  }
}

// `as_was`: of a run that Aim recorded, whose params go back to where they were.
void add_params(aim::AimRun& run, const ParamsRow& row, bool as_was) {
  Value sampled = decoded(row.params);
  if (const ValueMap* map = sampled.map(); map != nullptr && (as_was || !map->empty()))
    run.params.emplace_back("hparams", as_was ? std::move(sampled) : Value{flatten(*map)});
  const Value config = decoded(row.config);
  if (config.map() == nullptr) return;
  ValueMap rest;
  for (const auto& [name, value] : *config.map()) {
    if (name == aim_extras)
      take_extras(run, value);
    else
      rest.emplace_back(name, value);
  }
  if (as_was)
    run.params.insert(run.params.end(), rest.begin(), rest.end());
  else if (!rest.empty())
    run.params.emplace_back("config", Value{std::move(rest)});
}

// Ray knows a worker's address when it starts only sometimes, and tells it with every result. The
// last one is of the newest attempt; an earlier attempt may have been elsewhere.
std::string address_of(Snapshot& snapshot, const AimSubject& subject, const AttemptRow& attempt) {
  const bool is_newest = subject.attempt == 0 || subject.attempt == subject.row.attempts;
  if (!attempt.node_ip.empty() || !is_newest) return attempt.node_ip;
  for (const auto& [key, object] : read_objects(snapshot.txn(), snapshot.tails(), subject.number)) {
    if (snapshot.name(key).metric != "node_ip") continue;
    const Value last = decoded(object.last_value);
    if (last.text() != nullptr) return *last.text();
  }
  return {};
}

// Params of ours beside those that the host gave.
void add_own_params(aim::AimRun& run, Snapshot& snapshot, const AimSubject& subject,
                    const AttemptRow& attempt) {
  const JobRow& job = snapshot.job(subject.row.job);
  const RunRow& row = subject.row;
  const bool split = subject.attempt != 0;
  put_text(run.params, "trial_id", row.trial_id);
  // Where people look for it, as AimLoggerCallback has it: the local one may be for the time only.
  put_text(run.params, "trial_log_dir", row.remote_dir.empty() ? row.local_dir : row.remote_dir);
  put_text(run.params, "trial_ip", address_of(snapshot, subject, attempt));
  put_text(run.params, "status", status_name(split ? attempt.status : row.status));
  put_text(run.params, "error", split ? attempt.error_text : row.error_text);
  run.params.emplace_back("aimlog", Value{details(subject, job)});
}

// The attempt that the run's own rows speak of: the one asked for, else the newest.
AttemptRow shown_attempt(const Transaction& txn, const AimSubject& subject) {
  const uint32_t number = subject.attempt != 0 ? subject.attempt : subject.row.attempts;
  return number == 0 ? AttemptRow{}
                     : get_attempt(txn, subject.number, number).value_or(AttemptRow{});
}

void add_points(aim::AimSeries& series, std::vector<Point> all, const AimSubject& subject,
                const AimOptions& options) {
  if (subject.attempt != 0)
    std::erase_if(all, [&](const Point& point) { return point.attempt != subject.attempt; });
  else
    all = default_view(std::move(all));
  for (const Point& point : all) {
    if (!options.keep_nan && (point.value.is_nan() || point.value.is_infinite()))
      series.gone.push_back(point.step);
    else
      series.points.push_back({point.step, to_seconds(point.time_ns), point.epoch, point.value});
  }
}

void add_one_series(Snapshot& snapshot, SeriesKey key, std::vector<Point> all,
                    const AimSubject& subject, const AimOptions& options, MappedRun& mapped) {
  const SeriesName& name = snapshot.name(key);
  aim::AimSeries series;
  series.name = mapped.metric_namespace + name.metric;
  if (const ValueMap* context = name.context_value.map()) series.context = *context;
  add_points(series, std::move(all), subject, options);
  mapped.points += series.points.size();
  mapped.bare_names.insert(name.metric);
  mapped.run.series.push_back(std::move(series));
}

void add_series(Snapshot& snapshot, const AimSubject& subject, const AimOptions& options,
                MappedRun& mapped) {
  MetricFilter filter(options.metrics);
  std::vector<SeriesKey> keys;
  for (const auto& [key, summary] :
       read_summaries(snapshot.txn(), snapshot.tails(), subject.number))
    if (options.metrics.empty() || filter.accepts(snapshot.name(key).metric)) keys.push_back(key);
  auto points = read_all_points(snapshot.txn(), snapshot.tails(), subject.number, keys);
  for (auto& [key, all] : points)
    add_one_series(snapshot, key, std::move(all), subject, options, mapped);
}

std::string with_slash(const std::string& prefix) {
  return prefix.empty() || prefix.back() == '/' ? prefix : prefix + "/";
}

}  // namespace

const std::set<std::string>& own_aim_params() {
  static const std::set<std::string> names = {"hparams",  "config", "trial_id", "trial_log_dir",
                                              "trial_ip", "status", "error",    "aimlog"};
  return names;
}

std::string aim_row_mark(Snapshot& snapshot, const RunRow& row) {
  Bytes all;
  add_row(all, row, snapshot.job(row.job), snapshot.experiment_of(row.job));
  const Hash128 hash = hash128(all);
  return std::string(hash.begin(), hash.end());
}

std::vector<AimSubject> aim_subjects(Snapshot& snapshot, RunNumber number, const RunRow& row,
                                     const AimOptions& options) {
  std::vector<AimSubject> subjects;
  const auto add = [&](uint32_t attempt, std::string hash) {
    AimSubject subject{number, row, attempt, std::move(hash), {}};
    subject.fingerprint = to_hex(hash128(identity(snapshot, subject, options)));
    subjects.push_back(std::move(subject));
  };
  if (!options.split_attempts) add(0, row.id.hex());
  for (uint32_t attempt = 1; options.split_attempts && attempt <= row.attempts; ++attempt)
    add(attempt, attempt_hash(row.id, attempt));
  return subjects;
}

namespace {

MappedRun without_series(Snapshot& snapshot, const AimSubject& subject, const AimOptions& options) {
  const RunRow& row = subject.row;
  const JobRow& job = snapshot.job(row.job);
  const AttemptRow attempt = shown_attempt(snapshot.txn(), subject);
  const bool split = subject.attempt != 0;
  const int64_t created_ns = split ? attempt.started_ns : row.created_ns;
  const int64_t ended_ns = split ? attempt.ended_ns : row.ended_ns;

  MappedRun mapped;
  if (!options.bare_names) mapped.metric_namespace = with_slash(job.metric_namespace);
  aim::AimRun& run = mapped.run;
  run.hash = subject.hash;
  run.name = row.trial_name.empty() ? row.trial_id : row.trial_name;
  if (subject.attempt > 1) run.name += " (attempt " + std::to_string(subject.attempt) + ")";
  run.description = job.description;
  run.experiment = snapshot.experiment_of(row.job);
  run.tags = job.tags;
  run.created_us = created_ns / 1000;
  if (ended_ns != 0) run.end_time_s = to_seconds(ended_ns);

  const bool from_aim = job.host_name == aim_host;
  // A run that nobody closed in Aim stays so.
  if (from_aim && row.closed_by_us) run.end_time_s.reset();
  if (const auto params = params_of(snapshot.txn(), subject)) add_params(run, *params, from_aim);
  if (!from_aim) add_own_params(run, snapshot, subject, attempt);
  return mapped;
}

}  // namespace

bool is_open(Snapshot& snapshot, const AimSubject& subject) {
  const AttemptRow attempt = shown_attempt(snapshot.txn(), subject);
  return (subject.attempt != 0 ? attempt.ended_ns : subject.row.ended_ns) == 0;
}

MappedRun to_aim(Snapshot& snapshot, const AimSubject& subject, const AimOptions& options) {
  MappedRun mapped = without_series(snapshot, subject, options);
  add_series(snapshot, subject, options, mapped);
  return mapped;
}

std::optional<MappedRun> news_to_aim(Snapshot& snapshot, const AimSubject& subject,
                                     const AimOptions& options, PointCursor& cursor) {
  auto news = cursor.read_new(snapshot.txn(), snapshot.tails());
  if (!news) return std::nullopt;
  MappedRun mapped = without_series(snapshot, subject, options);
  MetricFilter filter(options.metrics);
  for (auto& [key, all] : *news)
    if (options.metrics.empty() || filter.accepts(snapshot.name(key).metric))
      add_one_series(snapshot, key, std::move(all), subject, options, mapped);
  return mapped;
}

}  // namespace aimlog::cli

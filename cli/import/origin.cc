#include "cli/import/origin.h"

#include <algorithm>

#include "cli/export/to_aim.h"
#include "cli/import/aim_time.h"
#include "plugin/base/hash.h"

namespace aimlog::cli {
namespace {

constexpr std::string_view ray_namespace = "ray/tune/";
// Each gets a row, so what a foreign repo says must not make a million of them.
constexpr int64_t attempts_max = 10'000;

const Value* find(const ValueMap* map, std::string_view name) {
  if (map == nullptr) return nullptr;
  for (const auto& [key, value] : *map)
    if (key == name) return &value;
  return nullptr;
}

const ValueMap* map_at(const ValueMap* map, std::string_view name) {
  const Value* value = find(map, name);
  return value == nullptr ? nullptr : value->map();
}

std::string text_at(const ValueMap* map, std::string_view name) {
  const Value* value = find(map, name);
  return value == nullptr || value->text() == nullptr ? std::string() : *value->text();
}

int64_t count_at(const ValueMap* map, std::string_view name) {
  const Value* value = find(map, name);
  if (value == nullptr || value->number() == nullptr) return 0;
  const Number& number = *value->number();
  const bool is_whole = number.type == NumberType::int64 || number.type == NumberType::uint64;
  return is_whole ? static_cast<int64_t>(number.bits) : 0;
}

Bytes encoded(const Value& value) {
  Bytes bytes;
  append_value(bytes, value);
  return bytes;
}

template <size_t N>
bool from_hex(const std::string& text, std::array<unsigned char, N>& out) {
  if (text.size() != 2 * N || text.find_first_not_of("0123456789abcdef") != std::string::npos)
    return false;
  for (size_t i = 0; i < N; ++i)
    out[i] = static_cast<unsigned char>(std::stoi(text.substr(2 * i, 2), nullptr, 16));
  return true;
}

std::string namespace_of(const aim::AimRun& run) {
  const bool all = std::all_of(run.series.begin(), run.series.end(), [](const auto& series) {
    return series.name.starts_with(ray_namespace);
  });
  return all && !run.series.empty() ? std::string(ray_namespace) : std::string();
}

int64_t last_time_ns(const aim::AimRun& run) {
  double last = static_cast<double>(run.created_us) / 1e6;
  for (const aim::AimSeries& series : run.series)
    for (const aim::AimPoint& point : series.points) last = std::max(last, point.time_s);
  return to_ns(last);
}

void fill_own_job(JobRow& job, const ValueMap* told, const aim::AimRun& run) {
  job.host_job_id = text_at(told, "id");
  job.host_name = text_at(told, "host");
  job.host_version = text_at(told, "host_version");
  job.metric_namespace = text_at(told, "namespace");
  job.machine = text_at(told, "machine");
  job.experiment_dir = text_at(told, "experiment_dir");
  job.metric = text_at(told, "metric");
  job.mode = text_at(told, "mode");
  job.created_ns = count_at(told, "created_ns");
  job.tags = run.tags;
  job.description = run.description;
}

void fill_foreign_job(JobRow& job, const aim::AimRun& run) {
  job.host_name = aim_host;
  job.metric_namespace = namespace_of(run);
  job.tags = run.tags;
  job.description = run.description;
  job.created_ns = run.created_us * 1000;
  Bytes identity = "aim";
  append_string(identity, run.experiment);
  append_string(identity, job.metric_namespace);
  append_string(identity, job.description);
  for (const std::string& tag : job.tags) append_string(identity, tag);
  job.token = hash128(identity);
}

TrialStatus status_of(const aim::ReadRun& read, bool is_own) {
  if (is_own) {
    const auto told = status_from_name(text_at(&read.run.params, "status"));
    if (told && (read.run.end_time_s || read.is_live || *told == TrialStatus::crashed))
      return *told;
  }
  if (read.run.end_time_s) return TrialStatus::completed;
  return read.is_live ? TrialStatus::running : TrialStatus::crashed;
}

bool is_own_param(const std::string& name) {
  for (const char* own :
       {"hparams", "config", "trial_id", "trial_log_dir", "trial_ip", "status", "error", "aimlog"})
    if (name == own) return true;
  return false;
}

// What of a run has no place of its own in our rows.
ValueMap extras_of(const aim::AimRun& run, bool is_own) {
  ValueMap extras;
  if (run.is_archived) extras.emplace_back("archived", Value{Number::of(true)});
  ValueList notes;
  for (const std::string& note : run.notes) notes.push_back(Value{note});
  if (!notes.empty()) extras.emplace_back("notes", Value{std::move(notes)});
  ValueMap others;
  for (const auto& [name, value] : run.params)
    if (is_own && !is_own_param(name)) others.emplace_back(name, value);
  if (!others.empty()) extras.emplace_back("params", Value{std::move(others)});
  return extras;
}

ParamsRow params_of(const aim::AimRun& run, bool is_own) {
  ParamsRow row;
  row.attempt = 1;
  const ValueMap* sampled = map_at(&run.params, "hparams");
  if (sampled != nullptr) row.params = encoded(Value{*sampled});
  ValueMap config;
  if (is_own) {
    if (const ValueMap* told = map_at(&run.params, "config")) config = *told;
  } else {
    for (const auto& [name, value] : run.params)
      if (name != "hparams" || sampled == nullptr) config.emplace_back(name, value);
  }
  ValueMap extras = extras_of(run, is_own);
  if (!extras.empty()) config.emplace_back(aim_extras, Value{std::move(extras)});
  if (!config.empty()) row.config = encoded(Value{std::move(config)});
  return row;
}

RunId run_id_of(const aim::AimRun& run, const ValueMap* details) {
  const std::string told = text_at(details, "run_id");
  if (const auto id = RunId::from_hex(told.empty() ? run.hash : told)) return *id;
  RunId id;
  const Hash128 hash = hash128(run.hash);
  std::copy_n(hash.begin(), id.bytes.size(), id.bytes.begin());
  return id;
}

}  // namespace

std::string AimOrigin::bare_name(const std::string& name) const {
  std::string prefix = job.metric_namespace;
  if (!prefix.empty() && prefix.back() != '/') prefix += '/';
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

AimOrigin origin_of(const aim::ReadRun& read) {
  const aim::AimRun& run = read.run;
  const ValueMap* details = map_at(&run.params, "aimlog");
  const ValueMap* told = map_at(details, "job");
  AimOrigin origin;
  const bool is_own = told != nullptr && from_hex(text_at(told, "token"), origin.job.token);
  origin.experiment = run.experiment.empty() ? "default" : run.experiment;
  if (is_own)
    fill_own_job(origin.job, told, run);
  else
    fill_foreign_job(origin.job, run);
  origin.attempt_number =
      static_cast<uint32_t>(std::clamp<int64_t>(count_at(details, "attempt"), 1, attempts_max));

  RunRow& row = origin.run;
  row.id = run_id_of(run, is_own ? details : nullptr);
  row.trial_id = text_at(&run.params, "trial_id");
  if (row.trial_id.empty()) row.trial_id = run.hash;
  row.trial_name = is_own ? text_at(details, "trial_name") : run.name;
  row.trainable_name = text_at(details, "trainable_name");
  row.experiment_tag = text_at(details, "experiment_tag");
  row.remote_dir = text_at(details, "trial_remote_dir");
  row.local_dir = row.remote_dir.empty() ? text_at(&run.params, "trial_log_dir")
                                         : text_at(details, "trial_local_dir");
  row.status = status_of(read, is_own);
  row.created_ns = run.created_us * 1000;
  row.closed_by_us = row.status == TrialStatus::crashed;
  if (!is_open(row.status))
    row.ended_ns = run.end_time_s ? to_ns(*run.end_time_s) : last_time_ns(run);
  // No job of ours goes on with it, also where a run of it was still open.
  origin.job.ended_ns = std::max(row.ended_ns, origin.job.created_ns);
  row.failures =
      static_cast<uint32_t>(std::clamp<int64_t>(count_at(details, "failures"), 0, 1 << 30));
  row.error_text = text_at(&run.params, "error");
  row.attempts = origin.attempt_number;

  AttemptRow& attempt = origin.attempt;
  attempt.status = row.status;
  attempt.started_ns = row.created_ns;
  attempt.ended_ns = row.ended_ns;
  attempt.node_ip = text_at(&run.params, "trial_ip");
  attempt.error_text = row.error_text;
  origin.params = params_of(run, is_own);
  origin.params.time_ns = row.created_ns;
  origin.params.attempt = origin.attempt_number;
  return origin;
}

}  // namespace aimlog::cli

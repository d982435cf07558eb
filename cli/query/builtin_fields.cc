#include "cli/query/builtin_fields.h"

#include <algorithm>

#include "plugin/base/clock.h"

namespace aimlog::cli {
namespace {

struct Builtin {
  std::vector<const char*> names;  // ours first
  Value (*value)(const RunInfo& run);
  bool is_time = false;
};

Value text(const std::string& text) { return text.empty() ? Value{} : Value{text}; }
Value count(uint64_t number) { return Value{Number::of(number)}; }
Value seconds(int64_t ns) {
  return ns == 0 ? Value{} : Value{Number::of(static_cast<double>(ns) * 1e-9)};
}

Value duration(const RunInfo& run) {
  const int64_t end = run.row.ended_ns != 0 ? run.row.ended_ns : wall_clock_ns();
  return Value{Number::of(static_cast<double>(end - run.row.created_ns) * 1e-9)};
}

Value is_archived(const RunInfo& run) {
  for (const auto& [name, value] : run.config)
    if (name == "__aim__/archived") return value;
  return Value{Number::of(false)};
}

const std::vector<Builtin>& builtins() {
  using R = RunInfo;
  static const std::vector<Builtin> all = {
      {{"id", "hash", "run_id"}, [](const R& r) { return Value{r.row.id.hex()}; }},
      {{"name", "run_name"},
       [](const R& r) {
         return text(r.row.trial_name.empty() ? r.row.trial_id : r.row.trial_name);
       }},
      {{"trial", "trial_id"}, [](const R& r) { return text(r.row.trial_id); }},
      {{"experiment"}, [](const R& r) { return text(r.experiment); }},
      {{"job"}, [](const R& r) { return count(r.row.job); }},
      {{"description"}, [](const R& r) { return text(r.job->description); }},
      {{"status"}, [](const R& r) { return Value{std::string(status_name(r.row.status))}; }},
      {{"active"}, [](const R& r) { return Value{Number::of(is_open(r.row.status))}; }},
      {{archived_field}, is_archived},
      {{"attempts"}, [](const R& r) { return count(r.row.attempts); }},
      {{"failures"}, [](const R& r) { return count(r.row.failures); }},
      {{"last_step", "step"},
       [](const R& r) { return r.last_step ? Value{Number::of(*r.last_step)} : Value{}; }},
      {{"created", "created_at", "creation_time", "start_time"},
       [](const R& r) { return seconds(r.row.created_ns); },
       true},
      {{"ended", "finalized_at", "end_time"},
       [](const R& r) { return seconds(r.row.ended_ns); },
       true},
      {{"duration_s", "duration"}, duration},
      {{"error"}, [](const R& r) { return text(r.row.error_text); }},
      {{"dir"}, [](const R& r) { return text(r.row.local_dir); }},
  };
  return all;
}

}  // namespace

std::optional<RunField> builtin_field(const std::string& name) {
  for (const Builtin& each : builtins())
    if (std::find(each.names.begin(), each.names.end(), name) != each.names.end())
      return RunField{each.value, each.is_time};
  return std::nullopt;
}

std::vector<std::string> builtin_field_names() {
  std::vector<std::string> names;
  for (const Builtin& each : builtins())
    names.insert(names.end(), each.names.begin(), each.names.end());
  return names;
}

}  // namespace aimlog::cli

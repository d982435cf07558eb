#include "cli/query/builtin_columns.h"

#include "cli/output/time_text.h"
#include "plugin/base/clock.h"

namespace aimlog::cli {
namespace {

struct Builtin {
  const char* name;
  const char* title;
  unsigned priority;  // see Column
  Cell (*value)(const RunInfo& run);
};

// Sorted and shown as missing where there is none.
Cell text_if_any(const std::string& text) { return text.empty() ? Cell{} : text_cell(text); }

Cell duration(const RunInfo& run) {
  const int64_t end = run.row.ended_ns != 0 ? run.row.ended_ns : wall_clock_ns();
  const int64_t span = end - run.row.created_ns;
  return dual_cell(span_text(span), Value{Number::of(static_cast<double>(span) * 1e-9)});
}

const std::vector<Builtin>& builtins() {
  static const std::vector<Builtin> all = {
      {"id", "id", 0, [](const RunInfo& r) { return id_cell(r.row.id); }},
      {"trial", "trial", 0, [](const RunInfo& r) { return text_cell(r.row.trial_id); }},
      {"name", "name", 1, [](const RunInfo& r) { return text_if_any(r.row.trial_name); }},
      {"experiment", "experiment", 5, [](const RunInfo& r) { return text_cell(r.experiment); }},
      {"job", "job", 5, [](const RunInfo& r) { return count_cell(r.row.job); }},
      {"status", "status", 0,
       [](const RunInfo& r) { return text_cell(status_name(r.row.status)); }},
      {"attempts", "attempts", 4, [](const RunInfo& r) { return count_cell(r.row.attempts); }},
      {"failures", "failures", 4, [](const RunInfo& r) { return count_cell(r.row.failures); }},
      {"last_step", "step", 1,
       [](const RunInfo& r) {
         return r.last_step ? number_cell(Number::of(*r.last_step)) : Cell{};
       }},
      {"created", "created", 4, [](const RunInfo& r) { return time_cell(r.row.created_ns); }},
      {"ended", "ended", 4, [](const RunInfo& r) { return time_cell(r.row.ended_ns); }},
      {"duration_s", "duration", 4, duration},
      {"error", "error", 4, [](const RunInfo& r) { return text_if_any(r.row.error_text); }},
      {"dir", "dir", 4, [](const RunInfo& r) { return text_if_any(r.row.local_dir); }},
  };
  return all;
}

const Builtin* find(const std::string& name) {
  const std::string_view meant = name == "duration" ? "duration_s"
                                 : name == "step"   ? "last_step"
                                                    : std::string_view(name);
  for (const Builtin& each : builtins())
    if (each.name == meant) return &each;
  return nullptr;
}

}  // namespace

std::vector<std::string> builtin_names() {
  std::vector<std::string> names;
  for (const Builtin& each : builtins()) names.emplace_back(each.name);
  return names;
}

bool is_builtin(const std::string& name) { return find(name) != nullptr; }

Column builtin_column(const std::string& name) {
  const Builtin& builtin = *find(name);
  Column column{builtin.name, builtin.title};
  column.priority = builtin.priority;
  return column;
}

Cell (*builtin_value_of(const std::string& name))(const RunInfo& run) { return find(name)->value; }

std::string join_names(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

Cell id_cell(const RunId& id) {
  const std::string hex = id.hex();
  return dual_cell(hex.substr(0, 8), Value{hex});
}

}  // namespace aimlog::cli

#include "cli/query/run_fields.h"

#include <algorithm>
#include <span>

#include "cli/args/suggest.h"
#include "cli/query/builtin_fields.h"
#include "cli/query/expression/query_error.h"
#include "cli/query/metric_ref.h"

namespace aimlog::cli {
namespace {

using Parts = std::span<const FieldPart>;
using About = QueryError::About;
using ValuesOfRun = FlatMap RunInfo::*;

bool is_one_of(const std::string& name, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(), [&](const char* word) { return name == word; });
}
bool is_params(const std::string& name) {
  return is_one_of(name, {"hparams", "params", "param", "parameters"});
}
bool is_metrics(const std::string& name) { return is_one_of(name, {"metrics", "metric"}); }
bool is_tags(const std::string& name) { return is_one_of(name, {"tags", "tag"}); }
bool is_run(const std::string& name) {
  return is_one_of(name, {"run", "attributes", "attribute", "attr"});
}

std::string joined(Parts parts, const char* separator) {
  std::string name;
  for (const FieldPart& part : parts) {
    if (&part != parts.data()) name += separator;
    name += part.index ? std::to_string(*part.index) : part.name;
  }
  return name;
}

void refuse_context(Parts parts) {
  for (const FieldPart& part : parts)
    if (part.context) throw QueryError(part.at, "only metrics have a context");
}

// --- params and config: flat names, in which / stands for each step into a map.

const Value* find_value(const FlatMap& map, const std::string& name) {
  for (const auto& [key, value] : map)
    if (key == name) return &value;
  return nullptr;
}

const ValueNames& names_of(const RunList& list, ValuesOfRun values) {
  return values == &RunInfo::params ? list.params() : list.config();
}

// What lies below `prefix`, or nothing.
Value map_below(const FlatMap& values, const std::string& prefix) {
  ValueMap map;
  for (const auto& [name, value] : values)
    if (name.starts_with(prefix)) map.emplace_back(name.substr(prefix.size()), value);
  return map.empty() ? Value{} : Value{std::move(map)};
}

Value item_of(const Value* list, int64_t index) {
  if (list == nullptr || list->list() == nullptr) return {};
  const auto size = static_cast<int64_t>(list->list()->size());
  if (index < 0 || index >= size) return {};
  return (*list->list())[static_cast<size_t>(index)];
}

std::optional<RunField> find_in(const RunList& list, ValuesOfRun values, Parts parts) {
  refuse_context(parts);
  const ValueNames& names = names_of(list, values);
  for (const char* separator : {"/", "."}) {
    const std::string name = joined(parts, separator);
    if (!names.has(name)) continue;
    return RunField{[=](const RunInfo& run) {
      const Value* value = find_value(run.*values, name);
      return value == nullptr ? Value{} : *value;
    }};
  }
  const std::string prefix = parts.empty() ? "" : joined(parts, "/") + "/";
  if (names.any_begins_with(prefix))
    return RunField{[=](const RunInfo& run) { return map_below(run.*values, prefix); }};
  if (parts.size() < 2 || !parts.back().index) return std::nullopt;
  const std::string name = joined(parts.first(parts.size() - 1), "/");
  if (!names.has(name)) return std::nullopt;
  const int64_t index = *parts.back().index;
  return RunField{
      [=](const RunInfo& run) { return item_of(find_value(run.*values, name), index); }};
}

void add_names(const RunList& list, ValuesOfRun values, std::vector<std::string>& known) {
  const std::vector<std::string> names = names_of(list, values).sorted();
  known.insert(known.end(), names.begin(), names.end());
}

RunField bind_value(const RunList& list, ValuesOfRun values, Parts parts, size_t at) {
  if (auto found = find_in(list, values, parts)) return *found;
  const char* what = values == &RunInfo::params ? "param" : "config value";
  if (parts.empty()) throw QueryError(at, std::string("no run has a ") + what, About::runs);
  std::vector<std::string> known;
  add_names(list, values, known);
  const std::string name = joined(parts, "/");
  throw QueryError(
      parts.front().at,
      std::string("no ") + what + " is called '" + name + "'" + did_you_mean(name, known),
      About::runs);
}

// --- metrics

bool has_context(const SeriesName& name, const ValueMap& context) {
  return std::all_of(context.begin(), context.end(), [&](const auto& wanted) {
    const Value* value = find_value(name.context, wanted.first);
    if (value == nullptr) return false;
    if (value->number() != nullptr && wanted.second.number() != nullptr)
      return compare(*value->number(), *wanted.second.number()) == 0;
    return *value == wanted.second;
  });
}

std::vector<SeriesKey> find_metric(const RunList& list, Parts parts) {
  std::vector<SeriesKey> found = find_series(list.names(), joined(parts, "/"));
  if (found.empty()) found = find_series(list.names(), joined(parts, "."));
  if (parts.empty() || !parts.back().context) return found;
  const ValueMap& context = *parts.back().context;
  std::erase_if(found, [&](SeriesKey key) { return !has_context(list.names().at(key), context); });
  const auto is_whole = [&](SeriesKey key) {
    return list.names().at(key).context.size() == context.size();
  };
  // Of several the one that has nothing more in its context.
  const auto exact = std::find_if(found.begin(), found.end(), is_whole);
  if (exact != found.end()) return {*exact};
  return context.empty() ? std::vector<SeriesKey>{} : found;
}

std::optional<RunField> find_aggregate_of(const RunList& list, Parts parts, const Aggregate* what) {
  const auto found = find_metric(list, parts);
  if (found.empty() || what == nullptr) return std::nullopt;
  const SeriesKey key = single_series(list.names(), found, joined(parts, "/"));
  return RunField{[=](const RunInfo& run) {
    const SeriesSummary* summary = run.summary(key);
    const Number number = summary == nullptr ? Number{} : what->of(*summary);
    return number.exists() ? Value{number} : Value{};
  }};
}

std::optional<RunField> find_metric_field(const RunList& list, Parts parts) {
  if (parts.empty()) return std::nullopt;
  if (auto whole = find_aggregate_of(list, parts, find_aggregate("last"))) return whole;
  const FieldPart& last = parts.back();
  if (parts.size() < 2 || last.context) return std::nullopt;
  const Parts metric = parts.first(parts.size() - 1);
  const Aggregate* aggregate = find_aggregate(last.name);
  if (aggregate == nullptr && !find_metric(list, metric).empty()) {
    std::string all;
    for (const std::string& each : aggregate_names()) all += (all.empty() ? "" : ", ") + each;
    throw QueryError(last.at, "a metric has no '" + last.name + "'" +
                                  did_you_mean(last.name, aggregate_names()) + " (it has " + all +
                                  ")");
  }
  return find_aggregate_of(list, metric, aggregate);
}

RunField bind_metric(const RunList& list, Parts parts, size_t at) {
  if (parts.empty()) throw QueryError(at, "say which metric, as in metrics[\"loss\"].min");
  if (auto found = find_metric_field(list, parts)) return *found;
  std::string name = parts.front().name;
  for (const FieldPart& part : parts) {
    if (part.context && !find_series(list.names(), part.name).empty())
      throw QueryError(part.at, "'" + part.name + "' is not recorded in this context", About::runs);
  }
  if (parts.front().index) throw QueryError(parts.front().at, "a metric has a name, not a number");
  throw QueryError(parts.front().at, unknown_metric(list.names(), name), About::runs);
}

// --- tags

// Tags are words; one of them may be NAME=VALUE or NAME:VALUE.
Value tag_value(const std::vector<std::string>& tags, const std::string& name) {
  for (const std::string& tag : tags) {
    if (tag == name) return Value{Number::of(true)};
    if (tag.starts_with(name) && (tag[name.size()] == '=' || tag[name.size()] == ':'))
      return Value{tag.substr(name.size() + 1)};
  }
  return {};
}

RunField bind_tags(Parts parts) {
  refuse_context(parts);
  if (!parts.empty()) {
    const std::string name = joined(parts, ".");
    return {[name](const RunInfo& run) { return tag_value(run.job->tags, name); }};
  }
  return {[](const RunInfo& run) {
    ValueList tags;
    for (const std::string& tag : run.job->tags) tags.push_back(Value{tag});
    return Value{std::move(tags)};
  }};
}

[[noreturn]] void throw_unknown(const RunList& list, const Field& field, Parts parts, bool bare) {
  const std::string name = joined(parts, ".");
  std::vector<std::string> known = builtin_field_names();
  for (const char* word : {"hparams", "config", "metrics", "tags"}) known.emplace_back(word);
  add_names(list, &RunInfo::params, known);
  add_names(list, &RunInfo::config, known);
  if (bare)
    for (const std::string& metric : metric_names(list.names())) known.push_back(metric);
  const std::string prefix = bare ? "" : field.path.front().name + ".";
  std::string hint;
  if (hint = did_you_mean(name, known); !hint.empty() && !bare)
    hint = "; did you mean '" + prefix + hint.substr(hint.find('\'') + 1);
  throw QueryError(field.at, "no run has a field '" + prefix + name + "'" + hint, About::runs);
}

// What comes behind `run.`, or what stands alone.
RunField bind_below(const RunList& list, const Field& field, Parts parts, bool bare) {
  const std::string& name = parts.front().name;
  const Parts rest = parts.subspan(1);
  const size_t at = parts.front().at;
  if (is_metrics(name)) return bind_metric(list, rest, at);
  if (is_params(name)) return bind_value(list, &RunInfo::params, rest, at);
  if (is_tags(name)) return bind_tags(rest);
  if (rest.empty())
    if (auto found = builtin_field(name)) return *found;
  if (name == "config") return bind_value(list, &RunInfo::config, rest, at);
  if (auto found = find_in(list, &RunInfo::params, parts)) return *found;
  if (auto found = bare ? find_metric_field(list, parts) : find_in(list, &RunInfo::config, parts))
    return *found;
  throw_unknown(list, field, parts, bare);
}

}  // namespace

bool may_be_config(const Field& field) {
  Parts parts = field.path;
  const bool bare = !is_run(parts.front().name);
  if (!bare) parts = parts.subspan(1);
  if (parts.empty()) return false;
  const std::string& name = parts.front().name;
  if (name == "config" || name == archived_field) return true;
  if (bare || is_metrics(name) || is_params(name) || is_tags(name)) return false;
  return !builtin_field(name);
}

RunField bind_field(const RunList& list, const Field& field) {
  const Parts parts = field.path;
  if (!is_run(parts.front().name)) return bind_below(list, field, parts, true);
  if (parts.size() < 2)
    throw QueryError(field.at, "say which field of the run, as in run.status or run.hparams.lr");
  return bind_below(list, field, parts.subspan(1), false);
}

}  // namespace aimlog::cli

#include "cli/query/metric_ref.h"

#include <algorithm>
#include <set>

#include "cli/args/suggest.h"
#include "cli/failure.h"

namespace aimlog::cli {
namespace {

using Summary = SeriesSummary;

const std::vector<Aggregate>& aggregates() {
  static const std::vector<Aggregate> all = {
      {"last", [](const Summary& s) { return s.last; }},
      {"first", [](const Summary& s) { return s.first; }},
      {"min", [](const Summary& s) { return s.min; }},
      {"max", [](const Summary& s) { return s.max; }},
      {"mean",
       [](const Summary& s) {
         const bool any = s.count > s.nan_count + s.infinite_count;
         return any ? Number::of(s.mean()) : Number{};
       }},
      {"count", [](const Summary& s) { return Number::of(s.count); }},
      {"first_step", [](const Summary& s) { return Number::of(s.first_step); }},
      {"last_step", [](const Summary& s) { return Number::of(s.last_step); }},
      {"min_step",
       [](const Summary& s) { return s.min.exists() ? Number::of(s.min_step) : Number{}; }},
      {"max_step",
       [](const Summary& s) { return s.max.exists() ? Number::of(s.max_step) : Number{}; }},
      {"nan_count", [](const Summary& s) { return Number::of(s.nan_count); }},
      {"inf_count", [](const Summary& s) { return Number::of(s.infinite_count); }},
  };
  return all;
}

std::vector<SeriesKey> named(const SeriesNames& names, std::string_view metric) {
  std::vector<SeriesKey> found;
  for (const auto& [key, name] : names)
    if (name.metric == metric) found.push_back(key);
  return found;
}

// "name{a=b,c=d}" apart; false if it has no braces at its end.
bool split_context(std::string_view text, std::string_view& metric,
                   std::vector<std::string>& words) {
  if (text.empty() || text.back() != '}') return false;
  const size_t brace = text.rfind('{');
  if (brace == std::string_view::npos) return false;
  metric = text.substr(0, brace);
  const std::string_view inside = text.substr(brace + 1, text.size() - brace - 2);
  if (!inside.empty()) words = split_list(inside);
  return true;
}

}  // namespace

const Aggregate* find_aggregate(std::string_view name) {
  for (const Aggregate& each : aggregates())
    if (each.name == name) return &each;
  return nullptr;
}

std::vector<std::string> aggregate_names() {
  std::vector<std::string> names;
  for (const Aggregate& each : aggregates()) names.push_back(each.name);
  return names;
}

std::vector<SeriesKey> find_series(const SeriesNames& names, std::string_view text) {
  std::vector<SeriesKey> found = named(names, text);
  std::string_view metric;
  std::vector<std::string> words;
  if (!found.empty() || !split_context(text, metric, words)) return found;
  std::vector<SeriesKey> exact;
  for (const SeriesKey& key : named(names, metric)) {
    const SeriesName& name = names.at(key);
    if (!context_has(name, words)) continue;
    found.push_back(key);
    if (name.context.size() == words.size()) exact.push_back(key);
  }
  return words.empty() || !exact.empty() ? exact : found;
}

SeriesKey single_series(const SeriesNames& names, const std::vector<SeriesKey>& found,
                        std::string_view text) {
  for (const SeriesKey& key : found)
    if (key.context == 0) return key;
  if (found.size() == 1) return found.front();
  std::string candidates;
  for (const SeriesKey& key : found)
    candidates += (candidates.empty() ? "" : ", ") + names.at(key).text();
  throw usage_error("'" + std::string(text) +
                    "' is recorded in several contexts; say which: " + candidates);
}

bool context_has(const SeriesName& name, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    const size_t sign = word.find('=');
    if (sign == std::string::npos)
      throw usage_error("a context is given as KEY=VALUE, not '" + word + "'");
    const std::string key = word.substr(0, sign), value = word.substr(sign + 1);
    const bool has = std::any_of(name.context.begin(), name.context.end(), [&](const auto& each) {
      return each.first == key && text_in_context(each.second) == value;
    });
    if (!has) return false;
  }
  return true;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items(1);
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      items.back() += text[++i];
    } else if (text[i] == ',' && depth == 0) {
      items.emplace_back();
    } else {
      if (text[i] == '{') ++depth;
      if (text[i] == '}' && depth > 0) --depth;
      items.back() += text[i];
    }
  }
  std::erase(items, "");
  return items;
}

std::vector<std::string> metric_names(const SeriesNames& names) {
  std::set<std::string> unique;
  for (const auto& [key, name] : names) unique.insert(name.metric);
  return {unique.begin(), unique.end()};
}

std::string unknown_metric(const SeriesNames& names, const std::string& text) {
  return "no metric is called '" + text + "'" + did_you_mean(text, metric_names(names)) +
         " ('aimlog metrics' lists them)";
}

}  // namespace aimlog::cli

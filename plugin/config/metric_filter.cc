#include "plugin/config/metric_filter.h"

#include <cstdint>

#include "plugin/config/character.h"

namespace aimlog {
namespace {

// One element of a pattern, read where it is used: patterns are short and a name is looked at once.
struct Element {
  size_t bytes = 0;
  bool matches = false;
};

// `[...]` at `at`. A `]` right after the beginning is an ordinary member. No end: bytes = 0.
Element match_class(std::string_view pattern, size_t at, uint32_t code) {
  size_t i = at + 1;
  const bool inverted = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (inverted) ++i;
  bool inside = false;
  for (bool first = true; i < pattern.size(); first = false) {
    if (pattern[i] == ']' && !first) return {i + 1 - at, inside != inverted};
    const Utf8Character low = next_character(pattern, i);
    i += low.bytes;
    uint32_t high = low.code;
    if (i + 1 < pattern.size() && pattern[i] == '-' && pattern[i + 1] != ']') {
      const Utf8Character end = next_character(pattern, i + 1);
      high = end.code;
      i += 1 + end.bytes;
    }
    if (low.code <= code && code <= high) inside = true;
  }
  return {};
}

Element match_element(std::string_view pattern, size_t at, uint32_t code) {
  if (pattern[at] == '?') return {1, true};
  if (pattern[at] == '[') {
    const Element element = match_class(pattern, at, code);
    if (element.bytes != 0) return element;
  }
  const Utf8Character literal = next_character(pattern, at);
  return {literal.bytes, literal.code == code};
}

// Only the last `*` is ever tried again, so the cost is at most the product of the lengths.
bool glob_matches(std::string_view pattern, std::string_view name) {
  constexpr size_t none = std::string_view::npos;
  size_t p = 0;
  size_t n = 0;
  size_t star = none;
  size_t star_name = 0;
  while (n < name.size()) {
    const Utf8Character character = next_character(name, n);
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_name = n;
      continue;
    }
    if (p < pattern.size()) {
      const Element element = match_element(pattern, p, character.code);
      if (element.matches) {
        p += element.bytes;
        n += character.bytes;
        continue;
      }
    }
    if (star == none) return false;
    p = star + 1;
    star_name += next_character(name, star_name).bytes;
    n = star_name;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string class_error(std::string_view pattern, size_t at) {
  const std::string column = std::to_string(at + 1);
  if (match_class(pattern, at, 0).bytes == 0) {
    return "the [ at column " + column + " is never closed (a [ itself is written [[])";
  }
  size_t i = at + 1;
  if (pattern[i] == '!' || pattern[i] == '^') ++i;
  for (bool first = true; first || pattern[i] != ']'; first = false) {
    const Utf8Character low = next_character(pattern, i);
    i += low.bytes;
    if (pattern[i] != '-' || pattern[i + 1] == ']') continue;
    const Utf8Character high = next_character(pattern, i + 1);
    if (high.code < low.code) return "the range in the [ at column " + column + " is backwards";
    i += 1 + high.bytes;
  }
  return {};
}

}  // namespace

MetricFilter::MetricFilter(std::vector<std::string> patterns) {
  for (std::string& text : patterns) {
    const bool exclude = text.starts_with('!');
    if (exclude) text.erase(0, 1);
    patterns_.push_back({std::move(text), exclude, false});
  }
}

bool MetricFilter::accepts(std::string_view name) {
  if (patterns_.empty()) return true;
  bool accepted = patterns_.front().exclude;
  for (Pattern& pattern : patterns_) {
    // A metric may be called "!x"; the pattern that is literally its name lets it in.
    const bool literal = pattern.exclude && name.starts_with('!') && name.substr(1) == pattern.text;
    if (!literal && name != pattern.text && !glob_matches(pattern.text, name)) continue;
    pattern.matched = true;
    accepted = literal || !pattern.exclude;
  }
  return accepted;
}

std::vector<std::string> MetricFilter::unmatched_patterns() const {
  std::vector<std::string> result;
  for (const Pattern& pattern : patterns_) {
    if (!pattern.matched) result.push_back((pattern.exclude ? "!" : "") + pattern.text);
  }
  return result;
}

std::string pattern_error(std::string_view pattern) {
  if (pattern.empty()) return "an empty pattern matches nothing";
  const size_t begin = pattern.front() == '!' ? 1 : 0;
  if (begin == pattern.size()) return "nothing follows the !";
  for (size_t i = begin; i < pattern.size();) {
    if (pattern[i] != '[') {
      ++i;
      continue;
    }
    std::string error = class_error(pattern, i);
    if (!error.empty()) return error;
    i += match_class(pattern, i, 0).bytes;
  }
  return {};
}

}  // namespace aimlog

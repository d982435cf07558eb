#include "plugin/config/suggestion.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace aimlog {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Levenshtein's distance, blind to case and to `-` for `_`.
size_t distance(std::string_view left, std::string_view right) {
  const auto plain = [](char c) { return c == '-' ? '_' : lower(c); };
  std::vector<size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < left.size(); ++i) {
    size_t diagonal = row[0]++;
    for (size_t j = 0; j < right.size(); ++j) {
      const size_t substitute = diagonal + (plain(left[i]) != plain(right[j]) ? 1 : 0);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substitute, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string_view nearest_word(std::string_view word, const std::vector<std::string_view>& known) {
  constexpr size_t longest = 64;  // nobody mistypes into more, and the cost stays small
  if (word.empty() || word.size() > longest) return {};
  std::string_view best;
  size_t best_distance = 0;
  for (const std::string_view candidate : known) {
    const size_t d = distance(word, candidate);
    if (d > std::max<size_t>(1, std::max(word.size(), candidate.size()) / 3)) continue;
    if (best.empty() || d < best_distance) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}

}  // namespace aimlog

#include "cli/args/suggest.h"

#include <algorithm>
#include <utility>

namespace aimlog::cli {

unsigned edit_distance(std::string_view a, std::string_view b) {
  const size_t width = b.size() + 1;
  std::vector<unsigned> cells((a.size() + 1) * width);
  const auto cell = [&](size_t i, size_t j) -> unsigned& { return cells[i * width + j]; };
  for (size_t i = 0; i <= a.size(); ++i) cell(i, 0) = static_cast<unsigned>(i);
  for (size_t j = 0; j <= b.size(); ++j) cell(0, j) = static_cast<unsigned>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const unsigned change = a[i - 1] == b[j - 1] ? 0 : 1;
      cell(i, j) = std::min({cell(i - 1, j) + 1, cell(i, j - 1) + 1, cell(i - 1, j - 1) + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        cell(i, j) = std::min(cell(i, j), cell(i - 2, j - 2) + 1);
    }
  }
  return cell(a.size(), b.size());
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  constexpr size_t longest_word = 200;  // the comparison's cost is the product of both lengths
  if (word.empty() || word.size() > longest_word) return "";
  const std::string* best = nullptr;
  std::pair<unsigned, unsigned> best_rank;
  const unsigned allowed = std::max<unsigned>(1, static_cast<unsigned>(word.size() / 3));
  for (const std::string& each : known) {
    if (each.size() > longest_word) continue;
    // A part of a name is as near as one wrong letter; of several such names the shortest is meant.
    const bool part = word.size() >= 3 && each.find(word) != std::string::npos;
    const unsigned distance = edit_distance(word, each);
    const std::pair rank(part ? 1 : distance, distance);
    if (rank.first > allowed || (best != nullptr && rank >= best_rank)) continue;
    best = &each;
    best_rank = rank;
  }
  return best == nullptr ? "" : "; did you mean '" + *best + "'?";
}

}  // namespace aimlog::cli

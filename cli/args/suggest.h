// "Did you mean": the known word nearest to a mistyped one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace aimlog::cli {

// Changed, missing, extra and swapped letters between two words.
unsigned edit_distance(std::string_view a, std::string_view b);

// "; did you mean 'loss'?" or an empty text where nothing is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

}  // namespace aimlog::cli

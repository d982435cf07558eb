// "did you mean": the known word nearest to a mistyped one.
#pragma once

#include <string_view>
#include <vector>

namespace aimlog {

// Empty where nothing is near enough to be what was meant.
std::string_view nearest_word(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace aimlog

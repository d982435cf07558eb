// All that is recorded of a run but its points, as one JSON object.
#pragma once

#include <string>
#include <string_view>

#include "plugin/store/environment.h"

namespace aimlog {

// Throws LookupError for a word that names no run or several.
std::string run_json(Environment& environment, std::string_view run_word);

}  // namespace aimlog

// A number as a word in tables, JSON and names.
#pragma once

#include <string>

#include "plugin/model/number.h"

namespace aimlog {

// Exact: reads back as the same number. "NaN", "Infinity", "-Infinity", "true".
std::string exact_text(const Number& number);

}  // namespace aimlog

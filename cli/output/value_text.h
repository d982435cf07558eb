// Values as words in tables, CSV and labels.
#pragma once

#include <string>

#include "plugin/model/value.h"

namespace aimlog::cli {

// For people: six significant digits.
std::string short_text(const Number& number);

// Texts as they are; lists and maps as JSON; nothing for null.
std::string value_text(const Value& value, bool exact);

}  // namespace aimlog::cli

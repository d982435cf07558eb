// How a value of a context reads in the name of a series: the 1 of "loss{fold=1}".
#pragma once

#include <optional>
#include <string>

#include "plugin/model/value.h"

namespace aimlog {

// Values of different types read differently, so that a name means one series: the double 1 is
// "1.0", and a text is written in quotes where it would read as something else ("1", "true", "").
// Nothing for lists, maps and bytes, which are shown as JSON.
std::optional<std::string> context_value_text(const Value& value);

}  // namespace aimlog

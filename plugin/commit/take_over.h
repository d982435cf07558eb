// What a host says again, at a resume or a new start, replaces what it said before; what it leaves
// empty stays.
#pragma once

#include <string>

namespace aimlog {

inline void take_over(std::string& field, const std::string& said) {
  if (!said.empty()) field = said;
}

}  // namespace aimlog

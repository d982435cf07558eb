// What somebody can do whose repo is damaged: the end of every text that says so.
#pragma once

#include <string>

namespace aimlog {

inline constexpr const char* damage_advice =
    "'aimlog check' shows the damage, 'aimlog repair' saves the rest; or restore it from a backup";

// The text of an error without that, for those who are just doing it.
inline std::string without_damage_advice(const std::string& text) {
  const size_t at = text.find(damage_advice);
  return at == std::string::npos || at < 2 ? text : text.substr(0, at - 2);
}

}  // namespace aimlog

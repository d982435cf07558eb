// What a history found wrong, under the name of the rule that was broken.
#pragma once

#include <stdexcept>
#include <string>

namespace aimlog::sim {

class Broken : public std::runtime_error {
 public:
  Broken(std::string rule_name, const std::string& what)
      : std::runtime_error(rule_name + ": " + what), rule(std::move(rule_name)) {}
  std::string rule;
};

inline void expect(bool holds, const char* rule, const std::string& what) {
  if (!holds) throw Broken(rule, what);
}

}  // namespace aimlog::sim

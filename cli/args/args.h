// What was given on the command line, by option name.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace aimlog::cli {

class Args {
 public:
  void add(const std::string& name, std::vector<std::string> values) {
    values_[name] = std::move(values);
  }

  bool has(const std::string& name) const { return values_.count(name) > 0; }
  // The last value given, if any.
  std::optional<std::string> text(const std::string& name) const;
  std::vector<std::string> all(const std::string& name) const;
  // Throws a usage error that names the option unless it is a whole number of at least `min`.
  std::optional<uint64_t> count(const std::string& name, uint64_t min = 0) const;

 private:
  std::map<std::string, std::vector<std::string>> values_;  // a flag has an empty list
};

}  // namespace aimlog::cli

// How a command ends other than well. Scripts rely on the numbers: never change them.
#pragma once

#include <stdexcept>
#include <string>

namespace aimlog::cli {

inline constexpr int exit_ok = 0;
inline constexpr int exit_error = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_nothing = 3;

// The text goes to stderr behind "aimlog: ", the details below it as they are.
class Failure : public std::runtime_error {
 public:
  Failure(int exit_code, const std::string& text, const std::string& details = "")
      : std::runtime_error(text), exit_code_(exit_code), details_(details) {}
  int exit_code() const { return exit_code_; }
  const std::string& details() const { return details_; }

 private:
  int exit_code_;
  std::string details_;
};

inline Failure usage_error(const std::string& text) { return {exit_usage, text}; }
inline Failure nothing_matched(const std::string& text) { return {exit_nothing, text}; }

}  // namespace aimlog::cli

// SQL's LIKE, and regular expressions.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace aimlog::cli {

class TextPattern {
 public:
  virtual ~TextPattern() = default;
  virtual bool matches(const std::string& text) const = 0;
};

// `%` is any text, `_` any character, a backslash takes the next as it is; the whole text has to
// match. Case counts for letters of ASCII unless `fold_case`.
std::unique_ptr<TextPattern> like_pattern(const std::string& pattern, bool fold_case);

// RE2's syntax, UTF-8, `.` is also a line's end; anywhere in the text. Throws
// std::invalid_argument with what is wrong.
std::unique_ptr<TextPattern> regex_pattern(const std::string& pattern);

}  // namespace aimlog::cli

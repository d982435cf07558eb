#include "plugin/model/context_text.h"

#include <charconv>
#include <string_view>

#include "plugin/model/number_text.h"

namespace aimlog {
namespace {

std::string number_text(const Number& number) {
  std::string text = exact_text(number);
  const bool is_whole = text.find_first_not_of("-0123456789") == std::string::npos;
  return number.type == NumberType::float64 && is_whole ? text + ".0" : text;
}

bool reads_as_another(std::string_view text) {
  if (text.empty() || std::string_view("\"[{").find(text.front()) != std::string_view::npos)
    return true;
  for (const std::string_view word : {"null", "true", "false", "NaN", "Infinity", "-Infinity"})
    if (text == word) return true;
  double number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec != std::errc::invalid_argument && parsed.ptr == text.data() + text.size();
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace

std::optional<std::string> context_value_text(const Value& value) {
  if (value.is_null()) return "null";
  if (const Number* number = value.number()) return number_text(*number);
  const std::string* text = value.text();
  if (text == nullptr) return std::nullopt;
  return reads_as_another(*text) ? quoted(*text) : *text;
}

}  // namespace aimlog

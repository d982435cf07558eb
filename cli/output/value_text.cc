#include "cli/output/value_text.h"

#include <charconv>
#include <iterator>

#include "cli/output/json.h"
#include "plugin/model/number_text.h"

namespace aimlog::cli {

std::string short_text(const Number& number) {
  if (number.type != NumberType::float64 || number.is_nan() || number.is_infinite())
    return exact_text(number);
  char text[40];
  const auto written = std::to_chars(text, std::end(text), number.as_double(),
                                     std::chars_format::general, 6);  // as %.6g
  return std::string(text, written.ptr);
}

std::string value_text(const Value& value, bool exact) {
  if (value.is_null()) return "";
  if (const Number* number = value.number())
    return exact ? exact_text(*number) : short_text(*number);
  if (const std::string* text = value.text()) return *text;
  JsonWriter json;
  json.value(value, false);
  return json.take();
}

}  // namespace aimlog::cli

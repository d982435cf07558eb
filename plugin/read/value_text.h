// Values as words and as JSON, exact: what is read back is what was recorded.
#pragma once

#include <string>
#include <string_view>

#include "plugin/model/value.h"

namespace aimlog {

// As the command shows a context: texts as they are, "true", "NaN", "Infinity"; lists and maps as
// JSON; nothing for null.
std::string value_text(const Value& value);

// A JSON document, bit by bit. Numbers keep their kind: a double has a point or an exponent. NaN
// and the infinities are written as JavaScript's words, which Python's json reads; bytes as hex.
class JsonText {
 public:
  JsonText& open(char bracket);  // '{' or '['
  JsonText& close();
  JsonText& key(std::string_view name);
  JsonText& text(std::string_view value);
  JsonText& number(Number value);  // null where there is none
  JsonText& integer(int64_t value) { return number(Number::of(value)); }
  JsonText& boolean(bool value) { return number(Number::of(value)); }
  JsonText& value(const Value& value);
  std::string take() { return std::move(out_); }

 private:
  void separate();
  void quote(std::string_view text);

  std::string out_;
  std::string closing_;      // the brackets to come, innermost last
  bool after_item_ = false;  // a comma is due before the next one
};

}  // namespace aimlog

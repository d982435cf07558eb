#include "plugin/read/value_text.h"

#include <cstdio>

#include "plugin/base/utf8.h"
#include "plugin/model/number_text.h"

namespace aimlog {
namespace {

std::string hex_of(std::string_view bytes) {
  std::string hex;
  char digits[3];
  for (const char byte : bytes) {
    snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(static_cast<uint8_t>(byte)));
    hex += digits;
  }
  return hex;
}

}  // namespace

std::string value_text(const Value& value) {
  if (value.is_null()) return "";
  if (const Number* number = value.number()) return exact_text(*number);
  if (const std::string* text = value.text()) return *text;
  return JsonText().value(value).take();
}

void JsonText::separate() {
  if (after_item_) out_ += ',';
  after_item_ = true;
}

void JsonText::quote(std::string_view text) {
  std::string sound;
  append_repaired_utf8(sound, text);
  out_ += '"';
  for (const char c : sound) {
    if (c == '"' || c == '\\') {
      out_ += '\\';
      out_ += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      out_ += escape;
    } else {
      out_ += c;
    }
  }
  out_ += '"';
}

JsonText& JsonText::open(char bracket) {
  separate();
  out_ += bracket;
  closing_ += bracket == '{' ? '}' : ']';
  after_item_ = false;
  return *this;
}

JsonText& JsonText::close() {
  out_ += closing_.back();
  closing_.pop_back();
  after_item_ = true;
  return *this;
}

JsonText& JsonText::key(std::string_view name) {
  separate();
  quote(name);
  out_ += ':';
  after_item_ = false;
  return *this;
}

JsonText& JsonText::text(std::string_view value) {
  separate();
  quote(value);
  return *this;
}

JsonText& JsonText::number(Number value) {
  separate();
  const std::string text = value.exists() ? exact_text(value) : "null";
  out_ += text;
  // "1" would come back as an integer.
  if (value.type == NumberType::float64 && text.find_first_not_of("-0123456789") == text.npos)
    out_ += ".0";
  return *this;
}

JsonText& JsonText::value(const Value& value) {
  if (value.is_null()) return number({});
  if (const Number* found = value.number()) return number(*found);
  if (const std::string* found = value.text()) return text(*found);
  if (const auto* bytes = std::get_if<BinaryBytes>(&value.data)) return text(hex_of(bytes->bytes));
  if (const ValueList* list = value.list()) {
    open('[');
    for (const Value& item : *list) this->value(item);
    return close();
  }
  open('{');
  for (const auto& [name, item] : *value.map()) key(name).value(item);
  return close();
}

}  // namespace aimlog

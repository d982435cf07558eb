#include "cli/output/json.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/output/text.h"

namespace aimlog::cli {
namespace {

// A JSON string. What is no UTF-8 becomes U+FFFD; hazards of a terminal stay as escapes.
std::string quoted(std::string_view text) {
  const std::string json = nlohmann::json(std::string(text))
                               .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string out;
  for (std::string_view rest = json; !rest.empty();) {
    const Character c = next_character(rest);
    if (is_hazard(c.code)) {
      char escape[16];
      if (c.code < 0x10000) {
        snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c.code));
      } else {
        const unsigned above = static_cast<unsigned>(c.code) - 0x10000;
        snprintf(escape, sizeof escape, "\\u%04x\\u%04x", 0xd800 + (above >> 10),
                 0xdc00 + (above & 0x3ff));
      }
      out += escape;
    } else {
      out.append(rest.substr(0, c.bytes));
    }
    rest.remove_prefix(c.bytes);
  }
  return out;
}

std::string hex_of(std::string_view bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex += digits[static_cast<unsigned char>(c) >> 4];
    hex += digits[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

std::string number_json(const Number& number) {
  switch (number.type) {
    case NumberType::none:
      return "null";
    case NumberType::boolean:
      return number.bits != 0 ? "true" : "false";
    case NumberType::float64: {
      const double value = number.as_double();
      if (std::isnan(value)) return "\"NaN\"";
      if (std::isinf(value)) return value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
      return nlohmann::json(value).dump();
    }
    default:
      return to_text(number);
  }
}

}  // namespace

const char* value_type(const Value& value) {
  constexpr const char* names[] = {"null", "", "string", "bytes", "list", "map"};
  const Number* number = value.number();
  return number != nullptr ? type_name(number->type) : names[value.data.index()];
}

void JsonWriter::separate() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (has_items_.empty()) return;
  if (has_items_.back()) out_ += ',';
  has_items_.back() = true;
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  has_items_.push_back(false);
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  has_items_.pop_back();
  out_ += bracket;
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view text) {
  separate();
  out_ += text;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  out_ += quoted(name);
  out_ += ':';
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::null() { return raw("null"); }
JsonWriter& JsonWriter::boolean(bool value) { return raw(value ? "true" : "false"); }
JsonWriter& JsonWriter::integer(int64_t value) { return raw(std::to_string(value)); }
JsonWriter& JsonWriter::count(uint64_t value) { return raw(std::to_string(value)); }
JsonWriter& JsonWriter::text(std::string_view value) { return raw(quoted(value)); }

JsonWriter& JsonWriter::line_break() {
  const bool between = !has_items_.empty() && has_items_.back();
  if (between) {
    out_ += ",\n";
    has_items_.back() = false;  // the comma is written
  } else {
    out_ += '\n';
  }
  return *this;
}

void JsonWriter::begin_typed(const char* type) {
  begin_object().key("type").text(type);
  key("value");
}

JsonWriter& JsonWriter::number(const Number& number, bool typed) {
  if (!typed || !number.exists()) return raw(number_json(number));
  begin_typed(type_name(number.type));
  raw(number_json(number));
  if (number.type == NumberType::float64) {
    char bits[20];
    snprintf(bits, sizeof bits, "%016llx", static_cast<unsigned long long>(number.bits));
    key("bits").text(bits);
  }
  return end_object();
}

JsonWriter& JsonWriter::value(const Value& value, bool typed) {
  if (const Number* found = value.number()) return number(*found, typed);
  if (typed) begin_typed(value_type(value));
  if (value.is_null()) {
    null();
  } else if (const std::string* found = value.text()) {
    text(*found);
  } else if (const BinaryBytes* bytes = std::get_if<BinaryBytes>(&value.data)) {
    text(hex_of(bytes->bytes));
  } else if (const ValueList* list = value.list()) {
    begin_array();
    for (const Value& item : *list) this->value(item, typed);
    end_array();
  } else if (const ValueMap* map = value.map()) {
    begin_object();
    for (const auto& [name, item] : *map) key(name).value(item, typed);
    end_object();
  }
  if (typed) end_object();
  return *this;
}

}  // namespace aimlog::cli

// Writes JSON as text, one piece after the other, so that a run of any size needs no tree.
//
// Integers are exact, doubles read back as the same number, NaN and the infinities are the texts
// "NaN", "Infinity" and "-Infinity". What a terminal would act on is written as \uXXXX.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/model/value.h"

namespace aimlog::cli {

class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);

  JsonWriter& null();
  JsonWriter& boolean(bool value);
  JsonWriter& integer(int64_t value);
  JsonWriter& count(uint64_t value);
  JsonWriter& text(std::string_view value);
  // `typed`: {"value": 0.1, "type": "double", "bits": "3fb999999999999a"}.
  JsonWriter& number(const Number& number, bool typed);
  // `typed`: every node as {"value": ..., "type": ...}, so that a map of the user's cannot be
  // mistaken for a description of a value.
  JsonWriter& value(const Value& value, bool typed);
  // A piece that is JSON already.
  JsonWriter& raw_json(std::string_view json) { return raw(json); }
  // A line break between the items of the outermost array, for people with a pager.
  JsonWriter& line_break();

  size_t size() const { return out_.size(); }
  std::string take() { return std::move(out_); }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  JsonWriter& raw(std::string_view text);
  void separate();
  void begin_typed(const char* type);

  std::string out_;
  std::vector<bool> has_items_;  // of each open bracket
  bool after_key_ = false;
};

// As --types says it: bool int64 uint64 double string bytes list map null.
const char* value_type(const Value& value);

}  // namespace aimlog::cli

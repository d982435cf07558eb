// Columns whose type is found from their values: the narrowest that holds every one exactly.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plugin/model/value.h"
#include "plugin/read/arrow_column.h"

namespace aimlog {

// Which types a set of numbers has.
class NumberKinds {
 public:
  void add(Number number);
  void add(NumberType type, bool above_int64 = false, bool below_zero = true);

  bool empty() const { return seen_ == 0; }
  bool all(NumberType type) const { return seen_ == bit(type); }
  // The type that holds all of them exactly: the only one there is; int64 or uint64 for whole
  // numbers and booleans; else float64.
  NumberType joint() const;

 private:
  static unsigned bit(NumberType type) { return 1u << static_cast<unsigned>(type); }
  unsigned seen_ = 0;
  bool above_int64_ = false;
  bool below_zero_ = false;
};

// "b", "l", "L", "g".
const char* arrow_format(NumberType type);

// A number as the bits of another type: exactly, or as the nearest double. None is NaN or 0.
uint64_t convert_bits(Number number, NumberType type);

// Numbers of one type, some of which may be missing.
ArrowColumn numbers_as(std::string name, NumberType type, RawVector<uint64_t> bits,
                       std::optional<ArrowBits> valid);

ArrowColumn number_column_of(std::string name, const std::vector<Number>& cells);
// Numbers as above; where something else is among them, texts.
ArrowColumn value_column_of(std::string name, const std::vector<Value>& cells);
ArrowColumn time_column_of(std::string name, std::vector<int64_t> times_ns);  // 0 = null
// Empty = null.
ArrowColumn optional_text_column(std::string name, const std::vector<std::string>& texts);
ArrowColumn text_lists_column(std::string name, const std::vector<std::vector<std::string>>& lists);

}  // namespace aimlog

#include "plugin/read/typed_column.h"

#include <bit>

#include "plugin/read/value_text.h"

namespace aimlog {

void NumberKinds::add(Number number) {
  if (!number.exists()) return;
  const bool high = number.bits > INT64_MAX;
  add(number.type, number.type == NumberType::uint64 && high,
      number.type == NumberType::int64 && high);
}

void NumberKinds::add(NumberType type, bool above_int64, bool below_zero) {
  seen_ |= bit(type);
  above_int64_ = above_int64_ || above_int64;
  below_zero_ = below_zero_ || below_zero;
}

NumberType NumberKinds::joint() const {
  for (const NumberType type : {NumberType::boolean, NumberType::int64, NumberType::uint64})
    if (all(type)) return type;
  if (seen_ == 0 || (seen_ & bit(NumberType::float64)) != 0) return NumberType::float64;
  if (!above_int64_) return NumberType::int64;
  return below_zero_ ? NumberType::float64 : NumberType::uint64;
}

const char* arrow_format(NumberType type) {
  switch (type) {
    case NumberType::boolean:
      return "b";
    case NumberType::int64:
      return "l";
    case NumberType::uint64:
      return "L";
    default:
      return "g";
  }
}

uint64_t convert_bits(Number number, NumberType type) {
  if (number.type == type || type != NumberType::float64) return number.bits;  // 0 for none
  return std::bit_cast<uint64_t>(number.as_double());
}

ArrowColumn numbers_as(std::string name, NumberType type, RawVector<uint64_t> bits,
                       std::optional<ArrowBits> valid) {
  ArrowColumn column;
  if (type == NumberType::boolean) {
    ArrowBits packed;
    for (const uint64_t word : bits) packed.push(word != 0);
    column = {std::move(name), arrow_format(type), static_cast<int64_t>(bits.size())};
    column.buffers = {ArrowBuffer(), packed.take()};
  } else {
    column = number_column(std::move(name), arrow_format(type), std::move(bits));
  }
  if (valid) set_validity(column, std::move(*valid));
  return column;
}

ArrowColumn number_column_of(std::string name, const std::vector<Number>& cells) {
  NumberKinds kinds;
  for (const Number& cell : cells) kinds.add(cell);
  const NumberType type = kinds.joint();
  RawVector<uint64_t> bits;
  ArrowBits valid;
  bits.reserve(cells.size());
  for (const Number& cell : cells) {
    bits.push_back(convert_bits(cell, type));
    valid.push(cell.exists());
  }
  return numbers_as(std::move(name), type, std::move(bits), std::move(valid));
}

ArrowColumn value_column_of(std::string name, const std::vector<Value>& cells) {
  std::vector<Number> numbers;
  for (const Value& cell : cells) {
    if (cell.number() == nullptr && !cell.is_null()) break;
    numbers.push_back(cell.is_null() ? Number{} : *cell.number());
  }
  if (numbers.size() == cells.size()) return number_column_of(std::move(name), numbers);
  std::vector<std::string> texts;
  ArrowBits valid;
  for (const Value& cell : cells) {
    texts.push_back(value_text(cell));
    valid.push(!cell.is_null());
  }
  ArrowColumn column = text_column(std::move(name), texts);
  set_validity(column, std::move(valid));
  return column;
}

ArrowColumn time_column_of(std::string name, std::vector<int64_t> times_ns) {
  ArrowBits valid;
  for (const int64_t time : times_ns) valid.push(time != 0);
  ArrowColumn column = number_column(std::move(name), arrow_timestamp, std::move(times_ns));
  set_validity(column, std::move(valid));
  return column;
}

ArrowColumn optional_text_column(std::string name, const std::vector<std::string>& texts) {
  ArrowBits valid;
  for (const std::string& text : texts) valid.push(!text.empty());
  ArrowColumn column = text_column(std::move(name), texts);
  set_validity(column, std::move(valid));
  return column;
}

ArrowColumn text_lists_column(std::string name,
                              const std::vector<std::vector<std::string>>& lists) {
  std::vector<std::string> items;
  std::vector<int32_t> ends = {0};
  for (const auto& list : lists) {
    items.insert(items.end(), list.begin(), list.end());
    ends.push_back(static_cast<int32_t>(items.size()));
  }
  ArrowColumn column{std::move(name), "+l", static_cast<int64_t>(lists.size())};
  column.buffers = {ArrowBuffer(), ArrowBuffer(std::move(ends))};
  column.children.push_back(text_column("item", items));
  return column;
}

}  // namespace aimlog

#include "plugin/store/number_column.h"

#include <algorithm>

#include "plugin/store/chunk_format.h"

namespace aimlog {
namespace {

// Small numbers of `width` bits each, low bits first; `width` divides 8.
class BitField {
 public:
  BitField(size_t count, unsigned width) : bytes_((count * width + 7) / 8, '\0'), width_(width) {}
  BitField(ByteReader& in, size_t count, unsigned width)
      : bytes_(in.take((count * width + 7) / 8)), width_(width) {}

  void set(size_t index, unsigned value) {
    const size_t bit = index * width_;
    bytes_[bit / 8] = static_cast<char>(bytes_[bit / 8] | value << bit % 8);
  }
  unsigned get(size_t index) const {
    const size_t bit = index * width_;
    return static_cast<unsigned char>(bytes_[bit / 8]) >> bit % 8 & ((1u << width_) - 1);
  }
  const Bytes& bytes() const { return bytes_; }

 private:
  Bytes bytes_;
  unsigned width_;
};

// One type for all, or one for each.
void read_types(ByteReader& in, NumberColumn& column) {
  const auto type = in.fixed<uint8_t>();
  if (type != mixed_types) {
    if (type == 0 || type > static_cast<uint8_t>(NumberType::float64)) {
      in.fail("the type of its numbers is unknown");
    }
    column.type = static_cast<NumberType>(type);
    return;
  }
  const BitField field(in, column.count(), 2);
  column.types.resize(column.count());
  for (size_t i = 0; i < column.types.size(); ++i)
    column.types[i] = static_cast<NumberType>(field.get(i) + 1);
}

}  // namespace

void append_number_column(Bytes& out, const std::vector<Number>& column, BlockEncoder& encoder) {
  const auto has_value = [](Number number) { return number.exists(); };
  const auto count = static_cast<size_t>(std::count_if(column.begin(), column.end(), has_value));
  const Presence kind = count == 0               ? Presence::none
                        : count == column.size() ? Presence::all
                                                 : Presence::bitmap;
  out.push_back(static_cast<char>(kind));
  if (kind == Presence::none) return;
  if (kind == Presence::bitmap) {
    BitField presence(column.size(), 1);
    for (size_t i = 0; i < column.size(); ++i)
      if (column[i].exists()) presence.set(i, 1);
    out.append(presence.bytes());
  }

  const NumberType first = std::find_if(column.begin(), column.end(), has_value)->type;
  const bool uniform = std::all_of(column.begin(), column.end(), [&](Number number) {
    return number.type == first || !number.exists();
  });
  out.push_back(static_cast<char>(uniform ? static_cast<uint8_t>(first) : mixed_types));
  std::vector<uint64_t> words(count);
  BitField types(uniform ? 0 : count, 2);
  size_t next = 0;
  for (const Number& number : column) {
    if (!number.exists()) continue;
    if (!uniform) types.set(next, static_cast<unsigned>(number.type) - 1);
    words[next++] = number.bits;
  }
  out.append(types.bytes());
  const bool real = uniform ? first == NumberType::float64 : true;
  encoder.append(out, words, real ? WordKind::real : WordKind::integer);
}

NumberColumn read_number_column_head(ByteReader& in, uint32_t rows) {
  NumberColumn column;
  const auto kind = static_cast<Presence>(in.fixed<uint8_t>());
  if (kind == Presence::none) {
    in.expect_end();
    return column;
  }
  column.rows = rows;
  if (kind == Presence::bitmap) {
    const BitField presence(in, rows, 1);
    for (uint32_t i = 0; i < rows; ++i) {
      if (presence.get(i) != 0) column.places.push_back(i);
    }
    if (column.places.empty()) in.fail("its bitmap is empty");
  } else if (kind != Presence::all) {
    in.fail("its presence is unknown");
  }
  read_types(in, column);
  return column;
}

NumberColumn read_whole_number_column(ByteReader& in, uint32_t rows) {
  NumberColumn column = read_number_column_head(in, rows);
  column.bits.resize(column.count());
  if (!column.bits.empty()) read_block(in, column.bits);
  return column;
}

std::vector<Number> read_number_column(ByteReader& in, uint32_t rows) {
  const NumberColumn column = read_whole_number_column(in, rows);
  std::vector<Number> numbers(rows);
  for (uint32_t i = 0; i < column.count(); ++i)
    numbers[column.place(i)] = {column.type_of(i), column.bits[i]};
  return numbers;
}

}  // namespace aimlog

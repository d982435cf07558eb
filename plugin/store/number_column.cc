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
  BitField presence(column.size(), 1);
  std::vector<Number> values;
  for (size_t i = 0; i < column.size(); ++i) {
    if (!column[i].exists()) continue;
    presence.set(i, 1);
    values.push_back(column[i]);
  }
  const Presence kind = values.empty()                   ? Presence::none
                        : values.size() == column.size() ? Presence::all
                                                         : Presence::bitmap;
  out.push_back(static_cast<char>(kind));
  if (kind == Presence::none) return;
  if (kind == Presence::bitmap) out.append(presence.bytes());

  const NumberType first = values[0].type;
  const bool uniform =
      std::all_of(values.begin(), values.end(), [&](Number n) { return n.type == first; });
  out.push_back(static_cast<char>(uniform ? static_cast<uint8_t>(first) : mixed_types));
  if (!uniform) {
    BitField types(values.size(), 2);
    for (size_t i = 0; i < values.size(); ++i) {
      types.set(i, static_cast<unsigned>(values[i].type) - 1);
    }
    out.append(types.bytes());
  }
  std::vector<uint64_t> words(values.size());
  std::transform(values.begin(), values.end(), words.begin(), [](Number n) { return n.bits; });
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
  if (column.count() > 0) column.bits = read_block(in, column.count());
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

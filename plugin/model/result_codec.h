// One result as bytes: in a journal record behind its trial key and shape hash, and unchanged in a
// tail.
//
//   offset  0  u8  flags          bit 0: the step is to be the count of results of the attempt
//           1  u8  epoch type     a NumberType
//           2  u16 reserved
//           4  u32 columns
//           8  i64 step
//          16  i64 time, ns since the Unix epoch
//          24  u64 epoch bits
//          32  u8  tag of each column (a ValueTag), padded with zeros to a multiple of 8
//           .  u64 bits of each column whose tag is a number's, in order
//           .  for each other column: u32 length, then the encoded value (see value.h)
//
// Stored on disk: never change it; a new form gets a new event type.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "plugin/base/bytes.h"
#include "plugin/model/number.h"
#include "plugin/model/value.h"

namespace aimlog {

inline constexpr size_t result_head_bytes = 32;
inline constexpr uint8_t result_flag_step_is_count = 1;

constexpr size_t result_tags_bytes(size_t columns) { return (columns + 7) & ~size_t{7}; }

constexpr bool is_number(ValueTag tag) {
  return tag >= ValueTag::boolean && tag <= ValueTag::float64;
}

// A decoded result; views point into the bytes that were decoded.
struct ResultView {
  bool step_is_count = false;
  int64_t step = 0;
  int64_t time_ns = 0;
  Number epoch;
  std::vector<Number> numbers;  // one a column; none where the column holds no number
  std::vector<ByteView>
      objects;  // one a column; empty where it holds a number, else an encoded value
};

// Decodes into `out`, whose vectors are reused. Throws Error(corrupt).
void decode_result(ByteView bytes, ResultView& out);

// The fixed part.
struct ResultHead {
  bool step_is_count = false;
  uint32_t columns = 0;
  int64_t step = 0;
  int64_t time_ns = 0;
  Number epoch;
};
// Only that, cheaply. Throws Error(corrupt) if even that is cut.
ResultHead decode_result_head(ByteView bytes);

// The parts of an encoded result, checked as a whole but not copied. Throws Error(corrupt).
class ResultParts {
 public:
  explicit ResultParts(ByteView bytes);

  const ResultHead& head() const { return head_; }
  // on_number(column, Number) for each number, then on_object(column, encoded value) for the rest.
  template <typename OnNumber, typename OnObject>
  void visit(OnNumber&& on_number, OnObject&& on_object) const {
    const char* word = words_.data();
    for (uint32_t i = 0; i < head_.columns; ++i) {
      const auto tag = static_cast<ValueTag>(tags_[i]);
      if (!is_number(tag)) continue;
      Number number{static_cast<NumberType>(tag), 0};
      std::memcpy(&number.bits, word, sizeof number.bits);
      word += sizeof number.bits;
      on_number(i, number);
    }
    if (objects_.empty()) return;
    ByteReader in(objects_, "result");
    for (uint32_t i = 0; i < head_.columns; ++i)
      if (!is_number(static_cast<ValueTag>(tags_[i]))) on_object(i, in.take(in.fixed<uint32_t>()));
  }

 private:
  ResultHead head_;
  ByteView tags_, words_, objects_;
};

// Sets the step of the encoded result that begins at `offset` and clears the flag.
void set_result_step(Bytes& bytes, size_t offset, int64_t step);

// The slow, plain encoder: tests, and the reference for the tracker's.
Bytes encode_result(const ResultView& result);

}  // namespace aimlog

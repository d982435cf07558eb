// Columns in memory, and their way out through the Arrow C data interface.
//
// A column owns its buffers by shared pointers, so that several batches can share a dictionary.
// What is exported owns what it needs: it outlives everything of ours but the library's code.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "abi/extensions/aimlog_read.h"

namespace aimlog {

// A vector whose items are not set to anything when it grows: memory is touched first by the thread
// that fills it.
template <typename T>
class RawAllocator : public std::allocator<T> {
 public:
  template <typename U>
  void construct(U* place) {
    ::new (static_cast<void*>(place)) U;
  }
  template <typename U, typename... Arguments>
  void construct(U* place, Arguments&&... arguments) {
    ::new (static_cast<void*>(place)) U(std::forward<Arguments>(arguments)...);
  }
};
template <typename T>
using RawVector = std::vector<T, RawAllocator<T>>;
static_assert(std::is_same_v<std::allocator_traits<RawAllocator<char>>::rebind_alloc<int>,
                             RawAllocator<int>>);

// Memory that Arrow sees: the address, and what keeps it. Never NULL, for some readers look.
class ArrowBuffer {
 public:
  ArrowBuffer() = default;
  template <typename T, typename Allocator>
  explicit ArrowBuffer(std::vector<T, Allocator> values) {
    auto owner = std::make_shared<std::vector<T, Allocator>>(std::move(values));
    if (!owner->empty()) data_ = owner->data();
    owner_ = std::move(owner);
  }
  const void* data() const { return data_; }

 private:
  static constexpr int64_t nothing = 0;  // an empty list of offsets begins with a 0 too
  std::shared_ptr<const void> owner_;
  const void* data_ = &nothing;
};

// One bit a row, low bits first.
class ArrowBits {
 public:
  void push(bool bit) {
    if (count_ % 8 == 0) bytes_.push_back(0);
    if (bit) bytes_.back() = static_cast<uint8_t>(bytes_.back() | 1u << count_ % 8);
    zeros_ += bit ? 0 : 1;
    ++count_;
  }
  // In the place of so many pushes, while there are none.
  static ArrowBits of(size_t count, bool bit) {
    ArrowBits bits;
    bits.bytes_.assign((count + 7) / 8, bit ? 0xff : 0);
    bits.count_ = count;
    bits.zeros_ = bit ? 0 : static_cast<int64_t>(count);
    return bits;
  }
  int64_t zeros() const { return zeros_; }
  ArrowBuffer take() { return ArrowBuffer(std::move(bytes_)); }

 private:
  std::vector<uint8_t> bytes_;
  size_t count_ = 0;
  int64_t zeros_ = 0;
};

// A column with its type, or the type alone where there are no rows: schemas and arrays are both
// made from it.
struct ArrowColumn {
  std::string name;
  std::string format;  // as the interface writes types: "l", "g", "u", "tsn:UTC", "+s"
  int64_t length = 0;
  int64_t null_count = 0;
  bool has_validity = false;  // then buffers[0] is its bits; else buffers[0] is left out by export
  std::vector<ArrowBuffer> buffers = {};
  std::vector<ArrowColumn> children = {};
  std::shared_ptr<const ArrowColumn> dictionary = {};
};

inline constexpr const char* arrow_timestamp = "tsn:UTC";  // int64, ns since the Unix epoch

ArrowColumn text_column(std::string name, const std::vector<std::string>& texts);

// Numbers that are all there.
template <typename T, typename Allocator>
ArrowColumn number_column(std::string name, std::string format, std::vector<T, Allocator> values) {
  ArrowColumn column{std::move(name), std::move(format), static_cast<int64_t>(values.size())};
  column.buffers = {ArrowBuffer(), ArrowBuffer(std::move(values))};
  return column;
}

// Rows that name texts: one index (int32) a row, negative = null.
ArrowColumn dictionary_column(std::string name, RawVector<int32_t> indexes,
                              std::shared_ptr<const ArrowColumn> dictionary);

// Marks the rows that are null.
void set_validity(ArrowColumn& column, ArrowBits valid);

// The columns of one batch as a struct.
ArrowColumn batch_of(std::vector<ArrowColumn> columns, int64_t rows);

// Fill `out`, which is then the receiver's.
void export_schema(const ArrowColumn& column, ArrowSchema& out);
void export_array(ArrowColumn column, ArrowArray& out);

}  // namespace aimlog

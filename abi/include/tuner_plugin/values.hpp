// Reading a tree of values: one level at a time.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "../tuner_plugin.h"

namespace tuner {

// What begin() and end() run over; borrowed as the tree is.
template <class T>
class Span {
 public:
  Span(const T* begin, uint64_t count) noexcept
      : begin_(begin), count_(begin == nullptr ? 0 : static_cast<size_t>(count)) {}
  const T* begin() const noexcept { return begin_; }
  const T* end() const noexcept { return begin_ + count_; }
  size_t size() const noexcept { return count_; }

 private:
  const T* begin_;
  size_t count_;
};

// The members of a map or the items of a list; none where `value` is anything else.
inline Span<tuner_entry> members(const tuner_value& value) noexcept {
  if (value.tag != TUNER_TAG_MAP) return {nullptr, 0};
  return {value.as.map.entries, value.as.map.count};
}
inline Span<tuner_value> items(const tuner_value& value) noexcept {
  if (value.tag != TUNER_TAG_LIST) return {nullptr, 0};
  return {value.as.list.items, value.as.list.count};
}

// A number of any type as a double (a bool as 0 or 1); `otherwise` where the value is none.
inline double number(const tuner_value& value, double otherwise) noexcept {
  switch (value.tag) {
    case TUNER_TAG_BOOL:
      return value.as.boolean != 0 ? 1 : 0;
    case TUNER_TAG_INT64:
      return static_cast<double>(value.as.int64);
    case TUNER_TAG_UINT64:
      return static_cast<double>(value.as.uint64);
    case TUNER_TAG_DOUBLE:
      return value.as.float64;
    default:
      return otherwise;
  }
}

}  // namespace tuner

// Builds trees of values: results, parameters, configurations.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <vector>

#include "block_memory.hpp"

namespace tuner {

// One map that grows from left to right, and is used again and again:
//
//   builder.clear();
//   builder.add("loss", 0.5);
//   builder.begin_map("eval"); builder.add("accuracy", 0.9); builder.end();
//   event.result = &builder.root();
//
// The children of a list or map must lie side by side, so those of an open one wait on a stack, and
// are laid down in a block of memory when it ends. Blocks are kept over clear(): once warm, nothing
// is allocated.
//
// A text or key given as a tuner_string is borrowed and must live until the tree has been used;
// given as anything else it is copied.
class ResultBuilder {
 public:
  // Begins a new, empty map. What root() gave before is dead.
  void clear() noexcept {
    waiting_.clear();
    open_.clear();
    memory_.clear();
  }

  // A member of a map. `value` is a bool, any integer, a floating-point number, a text, nullptr, or
  // a tuner_value (whose children are borrowed). In a list the key is ignored: use push.
  template <class Key, class T>
  void add(const Key& key, const T& value) {
    waiting_.push_back(tuner_entry{keep_text(key), to_value(value)});
  }
  template <class Key>
  void add_bytes(const Key& key, const void* data, size_t size) {
    tuner_value value = tagged(TUNER_TAG_BYTES);
    value.as.string = memory_.copy({static_cast<const char*>(data), size});
    add(key, value);
  }
  // An item of a list. In a map its key is "".
  template <class T>
  void push(const T& value) {
    add(tuner_string{nullptr, 0}, value);
  }

  template <class Key>
  void begin_map(const Key& key) {
    begin(key, TUNER_TAG_MAP);
  }
  template <class Key>
  void begin_list(const Key& key) {
    begin(key, TUNER_TAG_LIST);
  }
  void begin_map() { begin_map(tuner_string{nullptr, 0}); }  // as an item of a list
  void begin_list() { begin_list(tuner_string{nullptr, 0}); }

  // Ends the list or map begun last; nothing if none is open.
  void end() {
    if (open_.empty()) return;
    const size_t at = open_.back();
    const size_t count = waiting_.size() - at - 1;
    tuner_value& value = waiting_[at].value;
    if (value.tag == TUNER_TAG_MAP) {
      value.as.map.entries = lay_down(waiting_.data() + at + 1, count);
      value.as.map.count = count;
    } else {
      auto* items = static_cast<tuner_value*>(memory_.allocate(count * sizeof(tuner_value)));
      for (size_t i = 0; i < count; ++i) items[i] = waiting_[at + 1 + i].value;
      value.as.list.items = items;
      value.as.list.count = count;
    }
    waiting_.resize(at + 1);
    open_.pop_back();
  }

  // The map, with everything ended that was still open. Valid until the builder is changed or
  // moved.
  const tuner_value& root() {
    while (!open_.empty()) end();
    root_ = tagged(TUNER_TAG_MAP);
    root_.as.map.entries = waiting_.data();
    root_.as.map.count = waiting_.size();
    return root_;
  }

 private:
  static tuner_value tagged(tuner_tag tag) noexcept {
    tuner_value value;
    std::memset(static_cast<void*>(&value), 0, sizeof value);
    value.tag = tag;
    return value;
  }

  template <class T>
  tuner_value to_value(const T& from) {
    using Plain = std::decay_t<T>;
    tuner_value value = tagged(TUNER_TAG_NULL);
    if constexpr (std::is_same_v<Plain, tuner_value>) {
      value = from;
    } else if constexpr (std::is_same_v<Plain, bool>) {
      value.tag = TUNER_TAG_BOOL;
      value.as.boolean = from ? 1 : 0;
    } else if constexpr (std::is_integral_v<Plain> && std::is_signed_v<Plain>) {
      value.tag = TUNER_TAG_INT64;
      value.as.int64 = from;
    } else if constexpr (std::is_integral_v<Plain>) {
      value.tag = TUNER_TAG_UINT64;
      value.as.uint64 = from;
    } else if constexpr (std::is_floating_point_v<Plain>) {
      value.tag = TUNER_TAG_DOUBLE;
      value.as.float64 = static_cast<double>(from);
    } else if constexpr (!std::is_null_pointer_v<Plain>) {
      value.tag = TUNER_TAG_STRING;
      value.as.string = keep_text(from);
    }
    return value;
  }

  static tuner_string keep_text(const tuner_string& borrowed) noexcept { return borrowed; }
  tuner_string keep_text(std::string_view copied) { return memory_.copy(copied); }

  const tuner_entry* lay_down(const tuner_entry* from, size_t count) {
    auto* to = static_cast<tuner_entry*>(memory_.allocate(count * sizeof(tuner_entry)));
    if (count > 0) std::memcpy(to, from, count * sizeof(tuner_entry));
    return to;
  }

  template <class Key>
  void begin(const Key& key, tuner_tag tag) {
    open_.push_back(waiting_.size());
    add(key, tagged(tag));
  }

  std::vector<tuner_entry> waiting_;  // the root's children, then those of each open list or map
  std::vector<size_t> open_;          // where in waiting_ each open list or map itself is
  BlockMemory memory_;                // what has ended, and copied texts
  tuner_value root_ = tagged(TUNER_TAG_MAP);
};

}  // namespace tuner

// A result's tree to the bytes of model/result_codec.h. Warm, it allocates nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "abi/include/tuner_plugin.h"
#include "plugin/base/bytes.h"
#include "plugin/tracker/counters.h"
#include "plugin/tracker/result_shape.h"

namespace aimlog {

class ResultEncoder {
 public:
  ResultEncoder(ShapeRules rules, Counters& counters);

  // Encodes `result` (a map) into bytes(). Returns its shape, valid until the next call.
  ResultShape& encode(const tuner_value& result, int64_t time_ns);
  // The shape that the next result should have by the order of the last ones; nullptr where its
  // record is not written yet or a value was no number.
  const ResultShape* expected() const {
    const ResultShape* shape = last_ == nullptr ? nullptr : last_->successor;
    return shape != nullptr && shape->announced && shape->only_numbers ? shape : nullptr;
  }
  // Encodes a result of the expected() shape straight to `place`, which has room for its
  // number_bytes(). Returns how many it took; 0 if the result is not what was expected, and then
  // nothing has happened: it is for encode().
  size_t encode_expected(const ResultShape& shape, const tuner_value& result, int64_t time_ns,
                         char* place) {
    const size_t bytes = put_numbers(shape, result, time_ns, place);
    if (bytes == 0 || !objects_.empty()) [[unlikely]]
      return 0;
    last_ = last_->successor;
    numbers_written_ = shape.columns;
    if (shape.leaves_out) [[unlikely]]
      count(shape);
    return bytes;
  }

  ByteView bytes() const { return ByteView(buffer_.data(), bytes_); }
  uint64_t numbers() const { return numbers_written_; }  // of the last result

  std::vector<std::string> unmatched_patterns() const { return rules_.filter.unmatched_patterns(); }

 private:
  struct Object {
    uint32_t column;
    const tuner_value* value;
  };

  // Where a walk goes on when it has seen a nested map.
  struct Level {
    const tuner_entry* entry;
    const tuner_entry* end;
  };

  // What a walk over a result found, and where what it finds goes.
  struct Walk {
    char* tags;
    char* number;           // where the next one goes
    uint64_t tag_word = 0;  // the last tags, fewer than eight, not yet stored
    bool has_timesteps = false;
    bool has_iteration = false;
    int64_t timesteps = 0;
    int64_t iteration = 0;
    const tuner_value* epoch = nullptr;
  };

  void count(const ResultShape& shape);
  ResultShape& find_or_build(const tuner_value& result, int64_t time_ns);
  bool try_shape(const ResultShape& shape, const tuner_value& result, int64_t time_ns);
  [[gnu::hot]] size_t put_numbers(const ResultShape& shape, const tuner_value& result,
                                  int64_t time_ns, char* place);
  bool match_other(const ResultShape& shape, const ShapeNode& node, const tuner_value& value,
                   Walk& walk);
  bool is_context(const ResultShape& shape, const tuner_value& map);
  void put_column(const ShapeNode& node, const tuner_value& value, Walk& walk);
  [[gnu::always_inline]] bool walk_entries(const ResultShape& shape, const tuner_value& result,
                                           Walk& walk);
  static void put_step(ShapeNode::Step source, const tuner_value& value, Walk& walk);
  void append_objects();
  void append_cut(tuner_value value, size_t bytes_max);

  // What each result needs comes first, in few cache lines.
  ResultShape* last_ = nullptr;
  uint64_t numbers_written_ = 0;
  std::vector<Object> objects_;          // of the result being encoded
  Level levels_[TUNER_VALUE_DEPTH_MAX];  // of the walk
  Counters& counters_;
  Bytes buffer_;  // at least bytes_ long; seldom made longer, never shorter
  size_t bytes_ = 0;
  Bytes context_scratch_;
  std::vector<ResultShape> shapes_;  // bounded by shapes_max, in place; emptied when full
  ShapeRules rules_;
};

}  // namespace aimlog

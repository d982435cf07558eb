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
  ByteView bytes() const { return ByteView(buffer_.data(), buffer_.size()); }
  uint64_t numbers() const { return numbers_written_; }  // of the last result

  std::vector<std::string> unmatched_patterns() const { return rules_.filter.unmatched_patterns(); }

 private:
  struct Object {
    uint32_t column;
    const tuner_value* value;
  };

  bool try_shape(const ResultShape& shape, const tuner_value& result, int64_t time_ns);
  bool match_entries(const ResultShape& shape, const tuner_value& map, uint64_t children,
                     size_t& next);
  bool match_value(const ResultShape& shape, const ShapeNode& node, const tuner_value& value,
                   size_t& next);
  void put_column(const ShapeNode& node, const tuner_value& value);
  void put_step(ShapeNode::Step source, const tuner_value& value);
  void finish(const ResultShape& shape, int64_t time_ns);
  uint32_t find_or_build(const tuner_value& result, int64_t time_ns);

  ShapeRules rules_;
  Counters& counters_;
  std::vector<ResultShape> shapes_;  // bounded by shapes_max; emptied when full
  uint32_t last_ = 0;

  // The result being encoded.
  Bytes buffer_;
  Bytes context_scratch_;
  char* numbers_ = nullptr;  // where the next number goes
  uint64_t numbers_written_ = 0;
  std::vector<Object> objects_;
  bool has_timesteps_ = false;
  bool has_iteration_ = false;
  int64_t timesteps_ = 0;
  int64_t iteration_ = 0;
  const tuner_value* epoch_ = nullptr;
};

}  // namespace aimlog

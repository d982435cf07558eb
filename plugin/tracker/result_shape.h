// The shape of a result: which keys it has, in which order, and what becomes of each.
//
// Hosts report the same keys again and again. A shape holds the flattened tree as a list of nodes
// in the order of a walk; a warm result is compared with it node by node and copied, and only a new
// shape is worked out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "abi/include/tuner_plugin.h"
#include "plugin/base/bytes.h"
#include "plugin/base/hash.h"
#include "plugin/config/metric_filter.h"
#include "plugin/model/result_codec.h"
#include "plugin/tracker/counters.h"

namespace aimlog {

struct ShapeNode {
  enum class Kind : uint8_t {
    map,      // its children follow
    column,   // a value that is recorded
    ignored,  // a value that is not: filtered, reserved, superseded, skipped
    context,  // the context of the result
    epoch,    // the epoch of the result; must be a number
  };
  enum class Step : uint8_t { no, timesteps_total, training_iteration };

  uint32_t key_bytes = 0;
  union {
    uint32_t column = 0;
    uint32_t children;  // of a map
  };
  Kind kind = Kind::ignored;
  Step step = Step::no;  // also gives the step
  bool plain = false;    // a column whose numbers are simply recorded
  bool unknown_tag = false;
  bool no_number = false;  // stands only while the value is no number: an `epoch` that is not one
};

// Where results come seldom, a call is mostly waiting for memory: what each needs comes first, in
// one cache line, and the plan is read from the begin to the end.
struct alignas(64) ResultShape {
  // The nodes but for the root, each followed by its key as the host writes it and up to 3 bytes of
  // padding.
  std::vector<char> plan;
  ResultShape* successor = nullptr;  // that followed it last time: results often alternate
  uint64_t root_children = 0;
  Hash128 hash{};
  uint32_t columns = 0;
  bool announced = false;     // its shape record is in the journal
  bool only_numbers = false;  // so it was in the last result
  bool leaves_out = false;    // or mends: one of the counts below is not 0

  std::vector<std::string> names;  // one a column
  Bytes context;                   // encoded map; empty = none
  uint64_t values_skipped = 0;     // counted again for each result of this shape
  uint64_t values_cut = 0;
  uint64_t texts_repaired = 0;
  uint64_t keys_duplicated = 0;

  // Where the numbers begin in an encoded result, and its size if all columns are numbers.
  size_t numbers_at() const { return result_head_bytes + result_tags_bytes(columns); }
  size_t number_bytes() const { return numbers_at() + 8 * size_t{columns}; }
};

// What decides about the keys of a result.
struct ShapeRules {
  MetricFilter filter;
  std::vector<std::string> reserved_keys;
  bool context_and_epoch = true;
  size_t record_bytes_max = 0;  // columns and names beyond it are left out and counted
};

// Works out the shape of `result`, which is a map.
ResultShape build_shape(const tuner_value& result, ShapeRules& rules);

}  // namespace aimlog

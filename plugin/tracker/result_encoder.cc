#include "plugin/tracker/result_encoder.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "plugin/base/small_bytes.h"
#include "plugin/base/utf8.h"
#include "plugin/model/result_codec.h"
#include "plugin/tracker/encode_value.h"

namespace aimlog {
namespace {

constexpr size_t shapes_max = 256;

bool is_number_tag(tuner_tag tag) { return tag >= TUNER_TAG_BOOL && tag <= TUNER_TAG_DOUBLE; }

// Numbers whose bits are recorded as they are.
bool is_word_tag(tuner_tag tag) { return tag > TUNER_TAG_BOOL && tag <= TUNER_TAG_DOUBLE; }

uint64_t entries_of(const tuner_value& map) {
  if (map.as.map.entries == nullptr) [[unlikely]]
    return 0;
  return map.as.map.count;
}

uint64_t number_bits(const tuner_value& value) {
  return value.tag == TUNER_TAG_BOOL ? (value.as.boolean != 0 ? 1 : 0) : value.as.uint64;
}

// Columns come in their order, so tags are gathered and stored eight at a time: the checksum reads
// words, and a load of what many small stores wrote has to wait until these are in the cache.
uint64_t add_tag(char* tags, uint64_t word, uint32_t column, tuner_tag tag) {
  if (column % 8 == 0) word = 0;
  word |= static_cast<uint64_t>(tag) << (column % 8 * 8);
  store_as(tags + (column & ~uint32_t{7}), word);
  return word;
}

// A step from a number of any type: whole and within 64 bits, else none.
[[gnu::noinline]] bool read_step(const tuner_value& value, int64_t& step) {
  switch (value.tag) {
    case TUNER_TAG_BOOL:
      step = value.as.boolean != 0 ? 1 : 0;
      return true;
    case TUNER_TAG_INT64:
      step = value.as.int64;
      return true;
    case TUNER_TAG_UINT64:
      step = static_cast<int64_t>(value.as.uint64);
      return value.as.uint64 <= static_cast<uint64_t>(INT64_MAX);
    case TUNER_TAG_DOUBLE: {
      // By its bits, as a host may have comparisons with NaN end the process.
      const auto bits = std::bit_cast<uint64_t>(value.as.float64);
      constexpr uint64_t exponent_of_2_63 = 1023 + 63;
      const uint64_t exponent = bits >> 52 & 0x7ff;
      if (exponent >= exponent_of_2_63 && bits != std::bit_cast<uint64_t>(-0x1p63)) return false;
      if (std::floor(value.as.float64) != value.as.float64) return false;
      step = static_cast<int64_t>(value.as.float64);
      return true;
    }
    default:
      return false;
  }
}

}  // namespace

ResultEncoder::ResultEncoder(ShapeRules rules, Counters& counters)
    : counters_(counters), rules_(std::move(rules)) {
  shapes_.reserve(shapes_max);
}

ResultShape& ResultEncoder::encode(const tuner_value& result, int64_t time_ns) {
  ResultShape& shape = find_or_build(result, time_ns);
  if (last_ != nullptr) last_->successor = &shape;
  last_ = &shape;
  shape.only_numbers = objects_.empty();
  if (shape.leaves_out) count(shape);
  return shape;
}

// The likeliest first: the one that followed the last shape last time, the last shape, then all
// others.
ResultShape& ResultEncoder::find_or_build(const tuner_value& result, int64_t time_ns) {
  ResultShape* guess = last_ == nullptr ? nullptr : last_->successor;
  if (guess != nullptr && try_shape(*guess, result, time_ns)) return *guess;
  for (ResultShape& shape : shapes_) {
    if (&shape != guess && try_shape(shape, result, time_ns)) return shape;
  }
  if (shapes_.size() == shapes_max) {
    last_ = nullptr;
    shapes_.clear();
  }
  ++counters_.shapes_built;
  shapes_.push_back(build_shape(result, rules_));
  ResultShape& built = shapes_.back();
  objects_.reserve(built.names.size());
  AIMLOG_CHECK(try_shape(built, result, time_ns));
  return built;
}

bool ResultEncoder::try_shape(const ResultShape& shape, const tuner_value& result,
                              int64_t time_ns) {
  if (buffer_.size() < shape.number_bytes()) buffer_.resize(shape.number_bytes());
  bytes_ = put_numbers(shape, result, time_ns, buffer_.data());
  if (bytes_ == 0) return false;
  numbers_written_ = shape.columns - objects_.size();
  if (!objects_.empty()) append_objects();
  return true;
}

void ResultEncoder::count(const ResultShape& shape) {
  counters_.values_skipped += shape.values_skipped;
  counters_.values_cut += shape.values_cut;
  counters_.texts_repaired += shape.texts_repaired;
  counters_.keys_duplicated += shape.keys_duplicated;
}

// In the order of a walk, without recursion: a shape's nesting has a bound. Numbers under known
// keys are taken here and now.
inline bool ResultEncoder::walk_entries(const ResultShape& shape, const tuner_value& result,
                                        Walk& walk) {
  Level* level = levels_;
  const char* plan = shape.plan.data();
  const tuner_entry* entry = result.as.map.entries;
  const tuner_entry* end = entry + shape.root_children;
  // In registers: to the compiler a store of chars may change anything that is in memory.
  char* number = walk.number;
  uint64_t tag_word = 0;
  while (true) {
    if (entry == end) [[unlikely]] {
      if (level == levels_) break;
      --level;
      entry = level->entry;
      end = level->end;
      continue;
    }
    const auto* node = reinterpret_cast<const ShapeNode*>(plan);
    const tuner_value& value = entry->value;
    const std::string_view name = view(entry->key);  // empty where its pointer is NULL
    if (name.size() != node->key_bytes) [[unlikely]]
      return false;
    if (!same_bytes(name.data(), plan + sizeof(ShapeNode), node->key_bytes)) [[unlikely]] {
      return false;
    }
    plan += sizeof(ShapeNode) + ((node->key_bytes + 3) & ~uint32_t{3});
    ++entry;
    if (node->plain && is_word_tag(value.tag)) [[likely]] {
      tag_word = add_tag(walk.tags, tag_word, node->column, value.tag);
      store_as(number, value.as.uint64);
      number += 8;
      if (node->step != ShapeNode::Step::no) [[unlikely]]
        put_step(node->step, value, walk);
    } else if (node->kind == ShapeNode::Kind::map) {
      if (value.tag != TUNER_TAG_MAP || entries_of(value) != node->children) return false;
      *level++ = {entry, end};
      entry = value.as.map.entries;
      end = entry + node->children;
    } else {
      walk.number = number;
      walk.tag_word = tag_word;
      if (!match_other(shape, *node, value, walk)) return false;
      number = walk.number;
      tag_word = walk.tag_word;
    }
  }
  walk.number = number;
  walk.tag_word = tag_word;
  return true;
}

// All of a result but its objects, if it has this shape; else returns 0.
size_t ResultEncoder::put_numbers(const ResultShape& shape, const tuner_value& result,
                                  int64_t time_ns, char* place) {
  if (entries_of(result) != shape.root_children) [[unlikely]]
    return 0;
  objects_.clear();
  Walk walk;
  walk.tags = place + result_head_bytes;
  walk.number = place + shape.numbers_at();
  if (!walk_entries(shape, result, walk)) return 0;
  const bool counted = !walk.has_timesteps && !walk.has_iteration;
  const uint64_t flags = counted ? result_flag_step_is_count : 0;
  const uint64_t epoch_tag = walk.epoch == nullptr ? TUNER_TAG_NULL : walk.epoch->tag;
  store_as(place, flags | epoch_tag << 8 | uint64_t{shape.columns} << 32);
  store_as(place + 8, walk.has_timesteps ? walk.timesteps : walk.iteration);
  store_as(place + 16, time_ns);
  store_as(place + 24, walk.epoch == nullptr ? uint64_t{0} : number_bits(*walk.epoch));
  return static_cast<size_t>(walk.number - place);
}

bool ResultEncoder::match_other(const ResultShape& shape, const ShapeNode& node,
                                const tuner_value& value, Walk& walk) {
  const bool known = value.tag >= TUNER_TAG_NULL && value.tag <= TUNER_TAG_MAP;
  if (known == node.unknown_tag) return false;
  if (node.step != ShapeNode::Step::no) put_step(node.step, value, walk);
  switch (node.kind) {
    case ShapeNode::Kind::map:
      return false;
    case ShapeNode::Kind::column:
      if (value.tag == TUNER_TAG_MAP || (node.no_number && is_number_tag(value.tag))) return false;
      put_column(node, value, walk);
      return true;
    case ShapeNode::Kind::ignored:
      return true;
    case ShapeNode::Kind::context:
      return value.tag == TUNER_TAG_MAP && is_context(shape, value);
    case ShapeNode::Kind::epoch:
      if (!is_number_tag(value.tag)) return false;
      walk.epoch = &value;
      return true;
  }
  return false;
}

bool ResultEncoder::is_context(const ResultShape& shape, const tuner_value& map) {
  context_scratch_.clear();
  Counters not_counted;  // the shape has these counts, once it is found
  if (entries_of(map) != 0) encode_value(context_scratch_, map, not_counted);
  return context_scratch_ == shape.context;
}

void ResultEncoder::put_column(const ShapeNode& node, const tuner_value& value, Walk& walk) {
  walk.tag_word = add_tag(walk.tags, walk.tag_word, node.column, value.tag);
  if (is_number_tag(value.tag)) {
    store_as(walk.number, number_bits(value));
    walk.number += 8;
  } else {
    objects_.push_back({node.column, &value});
  }
}

void ResultEncoder::put_step(ShapeNode::Step source, const tuner_value& value, Walk& walk) {
  int64_t step = value.as.int64;
  if (value.tag != TUNER_TAG_INT64 && !read_step(value, step)) return;
  if (source == ShapeNode::Step::timesteps_total) {
    walk.has_timesteps = step != 0;
    walk.timesteps = step;
  } else {
    walk.has_iteration = true;
    walk.iteration = step;
  }
}

// What is too long for its record: of a text its beginning, of anything else nothing.
void ResultEncoder::append_cut(tuner_value value, size_t bytes_max) {
  ++counters_.values_cut;
  if (value.tag != TUNER_TAG_STRING) {
    buffer_.push_back(static_cast<char>(ValueTag::null));
    return;
  }
  // Repairing makes a text up to three times as long.
  value.as.string.length = cut_utf8(view(value.as.string), bytes_max / 4).size();
  encode_value(buffer_, value, counters_);
}

void ResultEncoder::append_objects() {
  buffer_.resize(bytes_);
  size_t left = objects_.size();
  for (const Object& object : objects_) {
    // Of each that follows at least its length and its tag have to fit.
    const size_t for_others = std::min(rules_.record_bytes_max, 5 * --left);
    const size_t bytes_max = rules_.record_bytes_max - for_others;
    const size_t length_at = buffer_.size();
    append_fixed(buffer_, uint32_t{0});
    const size_t start = buffer_.size();
    if (start < rules_.record_bytes_max - rules_.record_bytes_max / 4) {
      const Counters before = counters_;
      encode_value(buffer_, *object.value, counters_);
      if (buffer_.size() > bytes_max) {
        buffer_.resize(start);
        counters_ = before;
        append_cut(*object.value, bytes_max - std::min(start, bytes_max));
      }
    } else {
      append_cut(tuner_value{}, 0);
    }
    // A list that was replaced by a text has that text's tag.
    buffer_[result_head_bytes + object.column] = buffer_[start];
    store_as(buffer_.data() + length_at, static_cast<uint32_t>(buffer_.size() - start));
  }
  bytes_ = buffer_.size();
}

}  // namespace aimlog

#include "plugin/tracker/result_encoder.h"

#include <cmath>
#include <cstring>

#include "plugin/model/result_codec.h"
#include "plugin/tracker/encode_value.h"

namespace aimlog {
namespace {

constexpr size_t shapes_max = 256;

bool is_number_tag(tuner_tag tag) { return tag >= TUNER_TAG_BOOL && tag <= TUNER_TAG_DOUBLE; }

uint64_t number_bits(const tuner_value& value) {
  return value.tag == TUNER_TAG_BOOL ? (value.as.boolean != 0 ? 1 : 0) : value.as.uint64;
}

// A step from a number of any type: whole and within 64 bits, else none.
bool read_step(const tuner_value& value, int64_t& step) {
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
      const double number = value.as.float64;
      if (!(number >= -0x1p63 && number < 0x1p63) || std::floor(number) != number) return false;
      step = static_cast<int64_t>(number);
      return true;
    }
    default:
      return false;
  }
}

template <typename T>
T load(const char* place) {
  T value;
  std::memcpy(&value, place, sizeof value);
  return value;
}

// The last step overlaps the one before instead of going byte by byte. A call of memcmp for each
// key took a tenth of the whole.
template <typename T>
bool same_in_steps(const char* a, const char* b, size_t count) {
  for (size_t i = 0; i + sizeof(T) < count; i += sizeof(T))
    if (load<T>(a + i) != load<T>(b + i)) return false;
  return load<T>(a + count - sizeof(T)) == load<T>(b + count - sizeof(T));
}

bool same_bytes(const char* a, const char* b, size_t count) {
  if (count >= 8) return same_in_steps<uint64_t>(a, b, count);
  if (count >= 4) return same_in_steps<uint32_t>(a, b, count);
  for (size_t i = 0; i < count; ++i)
    if (a[i] != b[i]) return false;
  return true;
}

template <typename T>
void store(char* place, T value) {
  std::memcpy(place, &value, sizeof value);
}

}  // namespace

ResultEncoder::ResultEncoder(ShapeRules rules, Counters& counters)
    : rules_(std::move(rules)), counters_(counters) {
  shapes_.reserve(shapes_max);
}

ResultShape& ResultEncoder::encode(const tuner_value& result, int64_t time_ns) {
  const uint32_t before = last_;
  last_ = find_or_build(result, time_ns);
  if (before < shapes_.size()) shapes_[before].successor = last_;
  ResultShape& shape = shapes_[last_];
  counters_.values_skipped += shape.values_skipped;
  counters_.values_cut += shape.values_cut;
  counters_.keys_duplicated += shape.keys_duplicated;
  return shape;
}

// The likeliest first: the one that followed the last shape last time, the last shape, then all
// others.
uint32_t ResultEncoder::find_or_build(const tuner_value& result, int64_t time_ns) {
  const auto count = static_cast<uint32_t>(shapes_.size());
  const uint32_t guess = last_ < count ? shapes_[last_].successor : 0;
  if (guess < count && try_shape(shapes_[guess], result, time_ns)) return guess;
  for (uint32_t i = 0; i < count; ++i) {
    if (i != guess && try_shape(shapes_[i], result, time_ns)) return i;
  }
  if (shapes_.size() == shapes_max) shapes_.clear();
  ++counters_.shapes_built;
  shapes_.push_back(build_shape(result, rules_, counters_));
  objects_.reserve(shapes_.back().names.size());
  const auto built = static_cast<uint32_t>(shapes_.size() - 1);
  AIMLOG_CHECK(try_shape(shapes_[built], result, time_ns));
  return built;
}

bool ResultEncoder::try_shape(const ResultShape& shape, const tuner_value& result,
                              int64_t time_ns) {
  const uint64_t children = result.as.map.entries == nullptr ? 0 : result.as.map.count;
  if (children != shape.root_children) return false;
  const size_t columns = shape.names.size();
  const size_t head = result_head_bytes + result_tags_bytes(columns);
  buffer_.resize(head + 8 * columns);
  std::memset(buffer_.data() + result_head_bytes, 0, result_tags_bytes(columns));
  numbers_ = buffer_.data() + head;
  objects_.clear();
  has_timesteps_ = has_iteration_ = false;
  epoch_ = nullptr;
  size_t next = 0;
  if (!match_entries(shape, result, children, next)) return false;
  finish(shape, time_ns);
  return true;
}

bool ResultEncoder::match_entries(const ResultShape& shape, const tuner_value& map,
                                  uint64_t children, size_t& next) {
  const tuner_entry* entries = map.as.map.entries;
  for (uint64_t i = 0; i < children; ++i) {
    const ShapeNode& node = shape.nodes[next++];
    const tuner_string& key = entries[i].key;
    if (key.length != node.key_bytes) return false;
    if (!same_bytes(key.data, shape.keys.data() + node.key_at, node.key_bytes)) return false;
    if (!match_value(shape, node, entries[i].value, next)) return false;
  }
  return true;
}

bool ResultEncoder::match_value(const ResultShape& shape, const ShapeNode& node,
                                const tuner_value& value, size_t& next) {
  const bool known = value.tag >= TUNER_TAG_NULL && value.tag <= TUNER_TAG_MAP;
  if (known == node.unknown_tag) return false;
  if (node.step != ShapeNode::Step::no) put_step(node.step, value);
  switch (node.kind) {
    case ShapeNode::Kind::map: {
      if (value.tag != TUNER_TAG_MAP) return false;
      const uint64_t children = value.as.map.entries == nullptr ? 0 : value.as.map.count;
      return children == node.children && match_entries(shape, value, children, next);
    }
    case ShapeNode::Kind::column:
      if (value.tag == TUNER_TAG_MAP || (node.no_number && is_number_tag(value.tag))) return false;
      put_column(node, value);
      return true;
    case ShapeNode::Kind::ignored:
      return true;
    case ShapeNode::Kind::context:
      if (value.tag != TUNER_TAG_MAP) return false;
      context_scratch_.clear();
      if (value.as.map.entries != nullptr && value.as.map.count != 0) {
        encode_value(context_scratch_, value, counters_);
      }
      return context_scratch_ == shape.context;
    case ShapeNode::Kind::epoch:
      if (!is_number_tag(value.tag)) return false;
      epoch_ = &value;
      return true;
  }
  return false;
}

void ResultEncoder::put_column(const ShapeNode& node, const tuner_value& value) {
  buffer_[result_head_bytes + node.column] = static_cast<char>(value.tag);
  if (is_number_tag(value.tag)) {
    store(numbers_, number_bits(value));
    numbers_ += 8;
  } else {
    objects_.push_back({node.column, &value});
  }
}

void ResultEncoder::put_step(ShapeNode::Step source, const tuner_value& value) {
  int64_t step = 0;
  if (!read_step(value, step)) return;
  if (source == ShapeNode::Step::timesteps_total) {
    has_timesteps_ = step != 0;
    timesteps_ = step;
  } else {
    has_iteration_ = true;
    iteration_ = step;
  }
}

void ResultEncoder::finish(const ResultShape& shape, int64_t time_ns) {
  char* head = buffer_.data();
  const bool counted = !has_timesteps_ && !has_iteration_;
  store(head, static_cast<uint8_t>(counted ? result_flag_step_is_count : 0));
  store(head + 1, static_cast<uint8_t>(epoch_ == nullptr ? TUNER_TAG_NULL : epoch_->tag));
  store(head + 2, uint16_t{0});
  store(head + 4, static_cast<uint32_t>(shape.names.size()));
  store(head + 8, has_timesteps_ ? timesteps_ : has_iteration_ ? iteration_ : int64_t{0});
  store(head + 16, time_ns);
  store(head + 24, epoch_ == nullptr ? uint64_t{0} : number_bits(*epoch_));
  buffer_.resize(static_cast<size_t>(numbers_ - head));
  numbers_written_ = shape.names.size() - objects_.size();
  for (const Object& object : objects_) {
    const size_t length_at = buffer_.size();
    append_fixed(buffer_, uint32_t{0});
    const size_t start = buffer_.size();
    if (start < rules_.record_bytes_max - rules_.record_bytes_max / 4) {
      encode_value(buffer_, *object.value, counters_);
    } else {
      buffer_.push_back(static_cast<char>(ValueTag::null));
      ++counters_.values_cut;
    }
    // A list that was replaced by a text has that text's tag.
    buffer_[result_head_bytes + object.column] = buffer_[start];
    store(buffer_.data() + length_at, static_cast<uint32_t>(buffer_.size() - start));
  }
}

}  // namespace aimlog

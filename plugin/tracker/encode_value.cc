#include "plugin/tracker/encode_value.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "plugin/base/utf8.h"
#include "plugin/model/value.h"

namespace aimlog {
namespace {

void append_tag(Bytes& out, ValueTag tag) { out.push_back(static_cast<char>(tag)); }

// For each entry, whether a later one has the same key. Small maps are compared pairwise, without
// allocation.
bool is_superseded(const tuner_value& map, uint64_t index) {
  const std::string_view key = view(map.as.map.entries[index].key);
  for (uint64_t later = index + 1; later < map.as.map.count; ++later) {
    if (view(map.as.map.entries[later].key) == key) return true;
  }
  return false;
}

constexpr uint64_t pairwise_entries_max = 32;

std::vector<bool> find_superseded(const tuner_value& map) {
  std::vector<bool> superseded(map.as.map.count, false);
  std::unordered_map<std::string_view, uint64_t> last;
  for (uint64_t i = 0; i < map.as.map.count; ++i) {
    const auto [entry, is_new] = last.try_emplace(view(map.as.map.entries[i].key), i);
    if (!is_new) {
      superseded[entry->second] = true;
      entry->second = i;
    }
  }
  return superseded;
}

class Encoder {
 public:
  Encoder(Bytes& out, Counters& counters) : out_(out), counters_(counters) {}

  void encode(const tuner_value& value, unsigned depth) {
    // A number in the deepest list is still within the limit.
    const bool is_container = value.tag == TUNER_TAG_LIST || value.tag == TUNER_TAG_MAP;
    if ((is_container && depth > TUNER_VALUE_DEPTH_MAX) || ++nodes_ > TUNER_VALUE_NODES_MAX) {
      ++counters_.values_skipped;
      append_tag(out_, ValueTag::null);
      return;
    }
    switch (value.tag) {
      case TUNER_TAG_NULL:
        append_tag(out_, ValueTag::null);
        break;
      case TUNER_TAG_BOOL:
        append_tag(out_, ValueTag::boolean);
        out_.push_back(value.as.boolean != 0 ? 1 : 0);
        break;
      case TUNER_TAG_INT64:
      case TUNER_TAG_UINT64:
      case TUNER_TAG_DOUBLE:
        append_tag(out_, static_cast<ValueTag>(value.tag));
        append_fixed(out_, value.as.uint64);
        break;
      case TUNER_TAG_STRING:
      case TUNER_TAG_BYTES:
        encode_string(value);
        break;
      case TUNER_TAG_LIST:
        encode_list(value, depth);
        break;
      case TUNER_TAG_MAP:
        encode_map_entries(value, depth);
        break;
      default:
        ++counters_.values_skipped;
        append_tag(out_, ValueTag::null);
    }
  }

 private:
  void encode_string(const tuner_value& value) {
    std::string_view text = view(value.as.string);
    append_tag(out_, static_cast<ValueTag>(value.tag));
    if (text.size() > object_bytes_max) {
      text = value.tag == TUNER_TAG_STRING ? cut_utf8(text, object_bytes_max)
                                           : text.substr(0, object_bytes_max);
      ++counters_.values_cut;
    }
    if (value.tag == TUNER_TAG_BYTES) {
      append_string(out_, text);
    } else {
      append_text(out_, text, counters_);
    }
  }

  void encode_list(const tuner_value& value, unsigned depth) {
    const uint64_t count = value.as.list.items == nullptr ? 0 : value.as.list.count;
    const size_t start = out_.size();
    append_tag(out_, ValueTag::list);
    append_varint(out_, count);
    for (uint64_t i = 0; i < count; ++i) {
      encode(value.as.list.items[i], depth + 1);
      if (out_.size() - start > object_bytes_max) return replace(start, "list", count);
    }
  }

  void encode_map_entries(const tuner_value& value, unsigned depth) {
    const uint64_t count = value.as.map.entries == nullptr ? 0 : value.as.map.count;
    const size_t start = out_.size();
    std::vector<bool> superseded;
    if (count > pairwise_entries_max) superseded = find_superseded(value);
    const auto skip = [&](uint64_t i) {
      return superseded.empty() ? is_superseded(value, i) : superseded[i];
    };
    uint64_t kept = 0;
    for (uint64_t i = 0; i < count; ++i) kept += skip(i) ? 0 : 1;
    counters_.keys_duplicated += count - kept;
    append_tag(out_, ValueTag::map);
    append_varint(out_, kept);
    for (uint64_t i = 0; i < count; ++i) {
      if (skip(i)) continue;
      append_text(out_, view(value.as.map.entries[i].key), counters_);
      encode(value.as.map.entries[i].value, depth + 1);
      if (out_.size() - start > object_bytes_max) return replace(start, "map", count);
    }
  }

  // In the place of what is too large stands a text, so that people see that something was there.
  void replace(size_t start, const char* what, uint64_t count) {
    out_.resize(start);
    append_tag(out_, ValueTag::string);
    append_string(out_, std::string("<") + what + " of " + std::to_string(count) +
                            ", too large to be recorded>");
    ++counters_.values_cut;
  }

  Bytes& out_;
  Counters& counters_;
  uint64_t nodes_ = 0;
};

}  // namespace

void append_text(Bytes& out, std::string_view text, Counters& counters) {
  if (is_utf8(text)) {
    append_string(out, text);
  } else {
    append_string(out, make_text(text, counters));
  }
}

std::string make_text(std::string_view text, Counters& counters) {
  if (is_utf8(text)) return std::string(text);
  ++counters.texts_repaired;
  std::string repaired;
  append_repaired_utf8(repaired, text);
  return repaired;
}

void encode_value(Bytes& out, const tuner_value& value, Counters& counters) {
  Encoder(out, counters).encode(value, 1);
}

Bytes encode_map(const tuner_value* value, size_t bytes_max, Counters& counters) {
  if (value == nullptr || value->tag != TUNER_TAG_MAP) {
    if (value != nullptr) ++counters.values_skipped;
    return {};
  }
  const uint64_t count = value->as.map.entries == nullptr ? 0 : value->as.map.count;
  const std::vector<bool> superseded = count == 0 ? std::vector<bool>() : find_superseded(*value);
  Bytes entries;
  uint64_t kept = 0;
  for (uint64_t i = 0; i < count; ++i) {
    if (superseded[i]) {
      ++counters.keys_duplicated;
      continue;
    }
    const size_t start = entries.size();
    append_text(entries, view(value->as.map.entries[i].key), counters);
    Encoder(entries, counters).encode(value->as.map.entries[i].value, 2);
    if (entries.size() > bytes_max) {
      entries.resize(start);
      ++counters.values_cut;
      continue;
    }
    ++kept;
  }
  Bytes out;
  out.push_back(static_cast<char>(ValueTag::map));
  append_varint(out, kept);
  return out + entries;
}

}  // namespace aimlog

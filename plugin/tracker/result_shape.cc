#include "plugin/tracker/result_shape.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "plugin/model/event.h"
#include "plugin/model/result_codec.h"
#include "plugin/tracker/encode_value.h"

namespace aimlog {
namespace {

bool is_number_tag(tuner_tag tag) { return tag >= TUNER_TAG_BOOL && tag <= TUNER_TAG_DOUBLE; }
bool is_known_tag(tuner_tag tag) { return tag >= TUNER_TAG_NULL && tag <= TUNER_TAG_MAP; }

// A value that asks for a column under a flat name.
struct Claim {
  std::string name;
  size_t node = 0;
  unsigned depth = 0;
};

class Builder {
 public:
  explicit Builder(ShapeRules& rules) : rules_(rules) {}

  ResultShape build(const tuner_value& result) {
    shape_.root_children = entries_of(result);
    add_entries(result, "", 1);
    assign_columns();
    shape_.columns = static_cast<uint32_t>(shape_.names.size());
    shape_.values_skipped += counters_.values_skipped;
    shape_.values_cut += counters_.values_cut;
    shape_.texts_repaired += counters_.texts_repaired;
    shape_.keys_duplicated += counters_.keys_duplicated;
    shape_.leaves_out = shape_.values_skipped + shape_.values_cut + shape_.texts_repaired +
                            shape_.keys_duplicated !=
                        0;
    shape_.hash = shape_hash(shape_.context, shape_.names);
    write_plan();
    return std::move(shape_);
  }

 private:
  static uint64_t entries_of(const tuner_value& map) {
    return map.as.map.entries == nullptr ? 0 : map.as.map.count;
  }

  void add_entries(const tuner_value& map, const std::string& prefix, unsigned depth) {
    for (uint64_t i = 0; i < entries_of(map); ++i) {
      const tuner_entry& entry = map.as.map.entries[i];
      ShapeNode node;
      node.key_bytes = static_cast<uint32_t>(view(entry.key).size());
      const size_t index = nodes_.size();
      nodes_.push_back(node);
      keys_.push_back(view(entry.key));
      classify(entry, index, prefix, depth);
    }
  }

  void classify(const tuner_entry& entry, size_t index, const std::string& prefix, unsigned depth) {
    if (!is_known_tag(entry.value.tag)) {
      nodes_[index].unknown_tag = true;
      ++shape_.values_skipped;
      return;
    }
    if (depth > 1 || !classify_top_level(entry, index)) {
      const std::string key = make_text(view(entry.key), counters_);
      const std::string name = depth == 1 ? key : prefix + "/" + key;
      if (entry.value.tag == TUNER_TAG_MAP) {
        add_map(entry.value, index, name, depth);
      } else {
        claims_.push_back({name, index, depth});
      }
    }
  }

  // Keys that mean something at the top level of a result. True if the value is dealt with.
  bool classify_top_level(const tuner_entry& entry, size_t index) {
    ShapeNode& node = nodes_[index];
    const std::string_view key = view(entry.key);
    if (key == "timesteps_total") node.step = ShapeNode::Step::timesteps_total;
    if (key == "training_iteration") node.step = ShapeNode::Step::training_iteration;
    if (rules_.context_and_epoch && key == "context" && entry.value.tag == TUNER_TAG_MAP) {
      node.kind = ShapeNode::Kind::context;
      // Of two the last one counts.
      if (context_node_) {
        nodes_[*context_node_].kind = ShapeNode::Kind::ignored;
        ++shape_.keys_duplicated;
      }
      context_node_ = index;
      Bytes context;
      encode_value(context, entry.value, counters_);
      shape_.context = entries_of(entry.value) == 0 ? Bytes() : context;
      return true;
    }
    if (rules_.context_and_epoch && key == "epoch" && is_number_tag(entry.value.tag)) {
      node.kind = ShapeNode::Kind::epoch;
      return true;
    }
    node.no_number = rules_.context_and_epoch && key == "epoch";
    return std::find(rules_.reserved_keys.begin(), rules_.reserved_keys.end(), key) !=
           rules_.reserved_keys.end();
  }

  void add_map(const tuner_value& map, size_t index, const std::string& name, unsigned depth) {
    // The root is level 1 and a map below it level 2; the values inside must still be within the
    // limit.
    if (depth + 2 > TUNER_VALUE_DEPTH_MAX ||
        nodes_.size() + entries_of(map) > TUNER_VALUE_NODES_MAX) {
      ++shape_.values_skipped;
      return;
    }
    nodes_[index].kind = ShapeNode::Kind::map;
    nodes_[index].children = static_cast<uint32_t>(entries_of(map));
    add_entries(map, name, depth + 1);
  }

  // Of values that flatten to one name the more deeply nested wins, else the later one.
  void assign_columns() {
    std::unordered_map<std::string_view, size_t> winners;
    for (size_t i = 0; i < claims_.size(); ++i) {
      const auto [winner, is_new] = winners.try_emplace(claims_[i].name, i);
      if (is_new) continue;
      ++shape_.keys_duplicated;
      if (claims_[i].depth >= claims_[winner->second].depth) winner->second = i;
    }
    // A shape record and the fixed part of a result must both fit a record.
    size_t name_bytes = 64 + shape_.context.size();
    size_t value_bytes = result_head_bytes + 64;
    for (size_t i = 0; i < claims_.size(); ++i) {
      Claim& claim = claims_[i];
      if (winners.at(claim.name) != i || !rules_.filter.accepts(claim.name)) continue;
      name_bytes += claim.name.size() + 10;
      value_bytes += 16;
      if (name_bytes > rules_.record_bytes_max || value_bytes > rules_.record_bytes_max / 2) {
        ++shape_.values_cut;
        name_bytes -= claim.name.size() + 10;
        value_bytes -= 16;
        continue;
      }
      ShapeNode& node = nodes_[claim.node];
      node.kind = ShapeNode::Kind::column;
      node.column = static_cast<uint32_t>(shape_.names.size());
      node.plain = !node.no_number;
      shape_.names.push_back(claim.name);
    }
  }

  void write_plan() {
    std::vector<char>& plan = shape_.plan;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const auto* node = reinterpret_cast<const char*>(&nodes_[i]);
      plan.insert(plan.end(), node, node + sizeof(ShapeNode));
      plan.insert(plan.end(), keys_[i].begin(), keys_[i].end());
      plan.resize((plan.size() + alignof(ShapeNode) - 1) / alignof(ShapeNode) * alignof(ShapeNode));
    }
  }

  ShapeRules& rules_;
  Counters counters_;  // of keys and the context
  ResultShape shape_;
  std::vector<ShapeNode> nodes_;
  std::vector<std::string_view> keys_;  // of the nodes; they point into the result
  std::vector<Claim> claims_;
  std::optional<size_t> context_node_;
};

}  // namespace

ResultShape build_shape(const tuner_value& result, ShapeRules& rules) {
  return Builder(rules).build(result);
}

}  // namespace aimlog

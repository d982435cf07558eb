#include "cli/aim/run.h"

#include <algorithm>
#include <array>
#include <map>

#include "cli/aim/aim_format.h"
#include "cli/aim/aim_hash.h"
#include "cli/aim/series_head.h"

namespace aimlog::aim {
namespace {

const Bytes array_flag(1, static_cast<char>(ValueType::array));
const Bytes object_flag(1, static_cast<char>(ValueType::object));

Bytes with_key(Bytes path, ByteView key) {
  append_key(path, key);
  return path;
}

Bytes context_path(Bytes path, int64_t context_id) {
  append_key(path, "contexts");
  append_key(path, context_id);
  return path;
}

void add_head(Tree& tree, const std::string& hash, const PlacedSeries& placed,
              const SeriesHead& head) {
  const Bytes one = encode_number(Number::of(int64_t{1}));
  const Bytes types = encode_path({"meta", "traces_types"});
  for (const std::string& dtype : head.dtypes) tree[with_key(types, dtype) + placed.place] = one;
  const Bytes run = run_path(hash);
  tree[with_key(with_key(run, "typed_traces"), "metric") + placed.place] = one;

  const Bytes trace = with_key(run, "traces") + placed.place;
  const auto put = [&](const char* name, const Number& number) {
    if (number.exists()) tree[with_key(trace, name)] = encode_number(number);
  };
  const auto put_step = [&](const char* name, const std::optional<int64_t>& step) {
    if (step) put(name, Number::of(*step));
  };
  tree[with_key(trace, "dtype")] = encode_text(head.dtype);
  put("version", Number::of(int64_t{2}));
  put("first", head.first);
  put_step("first_step", head.first_step);
  put("last", head.last);
  put_step("last_step", head.last_step);
  put("min", head.min);
  put("max", head.max);
}

// The points of a series in the order of their keys; of those at one step, the last counts.
struct StepOrder {
  std::vector<int64_t> steps;  // of all points, as tracked
  struct Place {
    std::array<char, 10> key;
    size_t point;
  };
  std::vector<Place> places;
};

void order_steps(const std::vector<AimPoint>& points, StepOrder& order) {
  const auto same = [](const AimPoint& point, int64_t step) { return point.step == step; };
  // Metrics of one result have the same steps: hashed and sorted once for all of them.
  if (std::equal(points.begin(), points.end(), order.steps.begin(), order.steps.end(), same))
    return;
  order.steps.clear();
  order.places.clear();
  Bytes key;
  for (size_t i = 0; i < points.size(); ++i) {
    order.steps.push_back(points[i].step);
    key.clear();
    append_key(key, step_key(points[i].step));
    StepOrder::Place place{{}, i};
    std::copy(key.begin(), key.end(), place.key.begin());
    order.places.push_back(place);
  }
  std::sort(order.places.begin(), order.places.end(), [](const auto& a, const auto& b) {
    const int compared = std::memcmp(a.key.data(), b.key.data(), a.key.size());
    return compared != 0 ? compared < 0 : a.point > b.point;
  });
  const auto last = std::unique(order.places.begin(), order.places.end(),
                                [](const auto& a, const auto& b) { return a.key == b.key; });
  order.places.erase(last, order.places.end());
}

struct Column {
  const char* name;
  Bytes (*value)(const AimPoint& point);
};
// In the order of their names.
constexpr Column columns[] = {
    {"epoch", [](const AimPoint& point) { return encode_number(point.epoch); }},
    {"step", [](const AimPoint& point) { return encode_number(Number::of(point.step)); }},
    {"time", [](const AimPoint& point) { return encode_number(Number::of(point.time_s)); }},
    {"val", [](const AimPoint& point) { return encode_number(point.value); }},
};

// Aim stores a bool that is tracked as an integer.
AimPoint fit_point(AimPoint point) {
  point.value = fit_number(point.value);
  point.epoch = fit_number(point.epoch);
  if (point.value.type == NumberType::boolean)
    point.value = Number::of(static_cast<int64_t>(point.value.bits));
  return point;
}

}  // namespace

Bytes run_path(const std::string& hash) { return encode_path({"meta", "chunks", hash}); }
Bytes points_path(const std::string& hash) { return encode_path({"seqs", "v2", "chunks", hash}); }

PlacedSeries place_one(AimSeries series) {
  PlacedSeries one;
  one.series.name = fit_name(series.name);
  const Value context = fit_for_aim(Value{std::move(series.context)});
  one.series.context = *context.map();
  one.context_id = hash_value(context);
  append_key(one.place, one.context_id);
  append_key(one.place, one.series.name);
  one.series.points = std::move(series.points);
  for (AimPoint& point : one.series.points) point = fit_point(point);
  one.series.gone = std::move(series.gone);
  return one;
}

std::vector<PlacedSeries> place_series(std::vector<AimSeries> series) {
  std::map<Bytes, PlacedSeries> placed;
  for (AimSeries& each : series) {
    if (each.points.empty() && each.gone.empty()) continue;
    PlacedSeries one = place_one(std::move(each));
    // Contexts {"a": 1} and {"a": true} are one to Aim.
    const auto found = placed.find(one.place);
    if (found == placed.end()) {
      placed.emplace(one.place, std::move(one));
      continue;
    }
    AimSeries& all = found->second.series;
    all.points.insert(all.points.end(), one.series.points.begin(), one.series.points.end());
    all.gone.insert(all.gone.end(), one.series.gone.begin(), one.series.gone.end());
  }
  std::vector<PlacedSeries> result;
  for (auto& [place, one] : placed) result.push_back(std::move(one));
  return result;
}

Tree run_tree(const AimRun& run) {
  Tree tree;
  const Bytes root = encode_path({"meta"});
  const Bytes own = run_path(run.hash);
  const Value params = fit_for_aim(Value{run.params});
  for (const Bytes& path : {with_key(root, "attrs"), with_key(own, "attrs")}) {
    unfold(tree, path, params);
    tree[path] = object_flag;
  }
  tree[with_key(own, "end_time")] =
      encode_number(run.end_time_s ? Number::of(*run.end_time_s) : Number{});
  return tree;
}

void add_series_tree(Tree& tree, const std::string& hash, const PlacedSeries& placed,
                     const SeriesHead& head) {
  const Value context{placed.series.context};
  unfold(tree, context_path(encode_path({"meta"}), placed.context_id), context);
  unfold(tree, context_path(run_path(hash), placed.context_id), context);
  add_head(tree, hash, placed, head);
}

Tree meta_tree(const AimRun& run, const std::vector<PlacedSeries>& series) {
  Tree tree = run_tree(run);
  for (const PlacedSeries& each : series)
    add_series_tree(tree, run.hash, each, head_of(each.series.points));
  return tree;
}

void each_point_key(const std::string& hash, const std::vector<PlacedSeries>& series,
                    const std::function<void(ByteView, ByteView)>& visit) {
  const Bytes path = points_path(hash);
  StepOrder order;
  Bytes key;
  for (const PlacedSeries& each : series) {
    order_steps(each.series.points, order);
    for (const Column& column : columns) {
      key = path + each.place;
      append_key(key, column.name);
      visit(key, array_flag);
      const size_t stem = key.size();
      for (const StepOrder::Place& place : order.places) {
        key.resize(stem);
        key.append(place.key.data(), place.key.size());
        visit(key, column.value(each.series.points[place.point]));
      }
    }
  }
}

std::vector<Bytes> keys_at_step(const std::string& hash, const PlacedSeries& placed, int64_t step) {
  std::vector<Bytes> keys;
  for (const Column& column : columns) {
    keys.push_back(points_path(hash) + placed.place);
    append_key(keys.back(), column.name);
    append_key(keys.back(), step_key(step));
  }
  return keys;
}

}  // namespace aimlog::aim

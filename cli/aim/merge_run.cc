#include "cli/aim/merge_run.h"

#include <algorithm>
#include <optional>

#include "cli/aim/aim_format.h"
#include "cli/aim/aim_hash.h"
#include "cli/aim/database.h"

namespace aimlog::aim {
namespace {

const std::string* name_at(const Path& path, size_t index) {
  return index < path.size() ? std::get_if<std::string>(&path[index]) : nullptr;
}

bool is_at(const Path& path, size_t index, const char* name) {
  const std::string* found = name_at(path, index);
  return found != nullptr && *found == name;
}

bool is_number_out_of_line(const Number& number) { return number.is_nan() || number.is_infinite(); }

class Foreign {
 public:
  Foreign(const AimRun& run, const MergeRules& rules, const std::vector<PlacedSeries>& series)
      : rules_(rules) {
    params_ = rules.own_params;
    for (const auto& [name, value] : run.params) params_.insert(fit_name(name));
    for (const PlacedSeries& each : series) places_.insert(each.place);
  }

  // Of a key in meta.
  bool takes_meta(const Path& path) const {
    const bool shared = !is_at(path, 1, "chunks");
    const size_t at = shared ? 1 : 3;
    if (is_at(path, at, "attrs")) {
      const std::string* name = name_at(path, at + 1);
      return name != nullptr && params_.count(*name) == 0;
    }
    if (is_at(path, at, "end_time")) return false;
    if (is_at(path, at, "traces")) return takes_series(path, at + 1);
    if (is_at(path, at, "typed_traces") || is_at(path, at, "traces_types"))
      return takes_series(path, at + 2);
    return true;
  }

  bool takes_points(const Path& path) const {
    return !is_at(path, 1, "v2") || takes_series(path, 4);
  }

 private:
  bool takes_series(const Path& path, size_t at) const {
    const std::string* name = name_at(path, at + 1);
    if (name == nullptr) return false;
    if (rules_.old_series.count(*name) > 0) return false;
    return places_.count(encode_path({path[at], path[at + 1]})) == 0;
  }

  const MergeRules& rules_;
  std::set<std::string> params_;
  std::set<Bytes> places_;
};

void add_foreign_points(PlacedSeries& placed, const Tree& points, const std::string& hash,
                        const MergeRules& rules) {
  std::set<int64_t> known;
  for (const AimPoint& point : placed.series.points) known.insert(step_key(point.step));
  for (const int64_t step : placed.series.gone) known.insert(step_key(step));
  for (const AimPoint& point : read_columns(points, points_path(hash) + placed.place)) {
    if (known.count(step_key(point.step)) > 0) continue;
    if (!rules.keep_nan && is_number_out_of_line(point.value)) continue;
    placed.series.points.push_back(point);
  }
}

// None for a double that is no number, or beyond all integers: such a point is damaged.
std::optional<int64_t> step_of(const Number& number) {
  if (number.type != NumberType::float64) return static_cast<int64_t>(number.bits);
  constexpr double beyond = 9223372036854775808.0;
  const double step = number.as_double();
  if (!(step >= -beyond && step < beyond)) return std::nullopt;
  return static_cast<int64_t>(step);
}

}  // namespace

std::vector<AimPoint> read_columns(const Tree& points, const Bytes& path) {
  std::map<Bytes, AimPoint> by_key;
  std::set<Bytes> complete;
  const auto read = [&](const char* column, auto&& put) {
    Bytes prefix = path;
    append_key(prefix, column);
    for (auto at = points.upper_bound(prefix); at != points.end() && at->first.starts_with(prefix);
         ++at) {
      const auto value = decode_scalar(at->second);
      if (!value) continue;
      put(at->first.substr(prefix.size()), value->number() ? *value->number() : Number{});
    }
  };
  read("step", [&](const Bytes& key, const Number& number) {
    if (const auto step = step_of(number)) by_key[key].step = *step;
  });
  read("val", [&](const Bytes& key, const Number& number) {
    if (number.exists() && by_key.count(key) > 0) {
      by_key[key].value = number;
      complete.insert(key);
    }
  });
  read("time", [&](const Bytes& key, const Number& number) {
    if (by_key.count(key) > 0) by_key[key].time_s = number.exists() ? number.as_double() : 0;
  });
  read("epoch", [&](const Bytes& key, const Number& number) {
    if (by_key.count(key) > 0) by_key[key].epoch = number;
  });
  std::vector<AimPoint> result;
  for (const auto& [key, point] : by_key)
    if (complete.count(key) > 0) result.push_back(point);
  std::sort(result.begin(), result.end(),
            [](const AimPoint& a, const AimPoint& b) { return a.step < b.step; });
  return result;
}

ForeignParts read_foreign_parts(const std::filesystem::path& meta,
                                const std::filesystem::path& seqs, const AimRun& run,
                                const MergeRules& rules, std::vector<PlacedSeries>& series) {
  const Foreign foreign(run, rules, series);
  ForeignParts parts;
  DatabaseReader(meta).scan({}, [&](ByteView key, ByteView value) {
    const auto path = decode_path(key);
    if (path && foreign.takes_meta(*path)) parts.meta.emplace(key, value);
    return true;
  });
  const Tree points = DatabaseReader(seqs).read_all();
  for (PlacedSeries& each : series) add_foreign_points(each, points, run.hash, rules);
  for (const auto& [key, value] : points) {
    const auto path = decode_path(key);
    if (path && foreign.takes_points(*path)) parts.points.emplace(key, value);
  }
  return parts;
}

}  // namespace aimlog::aim

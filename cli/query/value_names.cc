#include "cli/query/value_names.h"

#include "plugin/model/value.h"

namespace aimlog::cli {

size_t ValueNames::place_of(ByteView name, size_t guess) {
  if (guess < known_.size() && known_[guess].name == name) return guess;
  const auto found = places_.find(name);
  if (found != places_.end()) return found->second;
  places_.emplace(name, known_.size());
  known_.push_back({std::string(name), {}});
  return known_.size() - 1;
}

void ValueNames::add(ByteView encoded) {
  ++runs_;
  size_t next = 0;  // runs mostly have the same names in the same order
  each_leaf(encoded, [&](ByteView name, ByteView value) {
    next = place_of(name, next);
    Known& known = known_[next++];
    if (known.latest == runs_) return;  // of two of one name the first counts
    known.latest = runs_;
    if (known.runs++ == 0)
      known.first = value;
    else
      known.differs = known.differs || known.first != value;
  });
}

bool ValueNames::any_begins_with(std::string_view prefix) const {
  const auto found = places_.lower_bound(prefix);
  return found != places_.end() && found->first.starts_with(prefix);
}

std::vector<std::string> ValueNames::sorted() const {
  std::vector<std::string> names;
  for (const auto& [name, place] : places_) names.push_back(name);
  return names;
}

std::vector<std::string> ValueNames::differing() const {
  std::vector<std::string> names;
  for (const Known& each : known_)
    if (each.differs || each.runs != runs_ || runs_ == 1) names.push_back(each.name);
  return names;
}

}  // namespace aimlog::cli

// The names of params, or of config values, over many runs, and whether their values differ.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/base/bytes.h"

namespace aimlog::cli {

class ValueNames {
 public:
  // The next run's encoded map, which must outlive this.
  void add(ByteView encoded);

  bool has(std::string_view name) const { return places_.find(name) != places_.end(); }
  bool any_begins_with(std::string_view prefix) const;
  std::vector<std::string> sorted() const;
  // Of those that not all runs have with one and the same value, in the order in which they came;
  // of a single run all.
  std::vector<std::string> differing() const;

 private:
  struct Known {
    std::string name;
    ByteView first;     // the value of the first run that has it, encoded
    size_t runs = 0;    // that have it
    size_t latest = 0;  // of them, counted from 1
    bool differs = false;
  };
  size_t place_of(ByteView name, size_t guess);

  std::vector<Known> known_;
  std::map<std::string, size_t, std::less<>> places_;
  size_t runs_ = 0;
};

}  // namespace aimlog::cli

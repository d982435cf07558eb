// What a look at a repo found to be wrong.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

namespace aimlog::cli {

struct Finding {
  std::string table;  // or "file", "journal", "repo"
  std::string key;    // for people: "run 3fb0... (t1), attempt 1, loss"
  std::string what;
  std::string todo;
};

inline constexpr const char* todo_repair = "save what is left with 'aimlog repair'";

// Hands findings on; of many that say the same of one table only the first ones.
class Findings {
 public:
  using Sink = std::function<void(const Finding&)>;
  explicit Findings(Sink sink) : sink_(std::move(sink)) {}

  void add(Finding finding) {
    ++total_;
    const uint64_t like_it = ++seen_[finding.table + "\n" + finding.what];
    if (like_it <= alike_max) sink_(finding);
  }
  uint64_t total() const { return total_; }

  // One line for each kind of which some were held back.
  void tell_held_back() {
    for (const auto& [kind, count] : seen_) {
      if (count <= alike_max) continue;
      const size_t line = kind.find('\n');
      sink_({kind.substr(0, line), std::to_string(count - alike_max) + " more rows",
             kind.substr(line + 1), todo_repair});
    }
  }

 private:
  static constexpr uint64_t alike_max = 100;

  Sink sink_;
  uint64_t total_ = 0;
  std::map<std::string, uint64_t> seen_;
};

}  // namespace aimlog::cli

// What a benchmark prints: one number a line, each beside a reference measured in the same run.
#pragma once

#include <cstdio>
#include <string>

namespace aimlog::bench {

class Report {
 public:
  explicit Report(bool json) : json_(json) {}

  // A line of explanation for people.
  void say(const std::string& text) const {
    if (!json_) std::printf("%s\n", text.c_str());
  }

  void add(const std::string& name, double value, const std::string& unit,
           const std::string& reference, double reference_value) const {
    const double ratio = reference_value > 0 ? value / reference_value : 0;
    if (json_) {
      std::printf(
          "{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"reference\":\"%s\","
          "\"reference_value\":%.6g,\"ratio\":%.4g}\n",
          name.c_str(), value, unit.c_str(), reference.c_str(), reference_value, ratio);
    } else {
      std::printf("  %-52s %10.4g %-10s %-34s %10.4g   ratio %.4g\n", name.c_str(), value,
                  unit.c_str(), reference.c_str(), reference_value, ratio);
    }
    std::fflush(stdout);
  }

 private:
  const bool json_;
};

}  // namespace aimlog::bench

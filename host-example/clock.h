// When things happen, as the plugins are told it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

namespace example {

// The fixed kind counts readings, a millisecond each, from a fixed day: two runs with one seed
// then tell the same times. Its count is part of the job's state.
class Clock {
 public:
  Clock(bool fixed, std::uint64_t ticks) : fixed_(fixed), ticks_(ticks) {}

  // Nanoseconds since the Unix epoch.
  std::int64_t now_ns() {
    if (fixed_) return base_ns + static_cast<std::int64_t>(++ticks_) * 1'000'000;
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }

  bool fixed() const { return fixed_; }
  std::uint64_t ticks() const { return ticks_; }

 private:
  static constexpr std::int64_t base_ns = 1'700'000'000'000'000'000;

  bool fixed_;
  std::uint64_t ticks_;
};

}  // namespace example

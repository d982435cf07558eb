// Random numbers that are the same everywhere for the same seed. The standard library's
// distributions differ between implementations, so they are not used.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <numbers>

namespace example {

// Folds numbers into one well mixed number (SplitMix64's finaliser after each).
inline std::uint64_t mix(std::initializer_list<std::uint64_t> numbers) {
  std::uint64_t state = 0x9E3779B97F4A7C15ull;
  for (const std::uint64_t number : numbers) {
    state += number + 0x9E3779B97F4A7C15ull;
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9ull;
    state = (state ^ (state >> 27)) * 0x94D049BB133111EBull;
    state ^= state >> 31;
  }
  return state;
}

// A generator is named by what it is for (seed, trial, epoch ...) rather than carried along, so
// that a job which was killed and resumed draws what it would have drawn.
class Random {
 public:
  Random(std::initializer_list<std::uint64_t> purpose) : state_(mix(purpose)) {}

  std::uint64_t next() { return mix({state_++}); }
  // In [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  double between(double low, double high) { return low + (high - low) * uniform(); }
  // Small values are as likely as large ones, magnitude by magnitude.
  double log_between(double low, double high) {
    return std::exp(between(std::log(low), std::log(high)));
  }
  // In [0, count); count > 0.
  std::uint64_t below(std::uint64_t count) { return next() % count; }
  // Mean 0, deviation 1.
  double normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
  }

 private:
  std::uint64_t state_;
};

}  // namespace example

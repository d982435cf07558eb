// How long work takes.
#pragma once

#include <algorithm>
#include <chrono>

namespace aimlog::bench {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Of some tries: what the machine does beside only ever makes it slower. `prepare` is not timed.
template <typename Prepare, typename Work>
double best_seconds(int tries, const Prepare& prepare, const Work& work) {
  double best = 1e9;
  for (int i = 0; i < tries; ++i) {
    prepare();
    const auto begin = Clock::now();
    work();
    best = std::min(best, seconds_since(begin));
  }
  return best;
}

template <typename Work>
double best_seconds(int tries, const Work& work) {
  return best_seconds(
      tries, [] {}, work);
}

}  // namespace aimlog::bench

// Times of single calls: a clock that costs little, and the numbers that describe many of them.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace aimlog::bench {

// Ticks of a steady counter, not reordered with what is measured.
inline uint64_t ticks() {
#if defined(__x86_64__)
  unsigned core;
  return __rdtscp(&core);
#else
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

// Nanoseconds a tick, by the system's clock over 20 ms.
inline double nanoseconds_per_tick() {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  const uint64_t first = ticks();
  while (Clock::now() - begin < std::chrono::milliseconds(20)) {
  }
  const uint64_t last = ticks();
  const std::chrono::duration<double, std::nano> passed = Clock::now() - begin;
  return passed.count() / static_cast<double>(last - first);
}

// Every single time is kept: a histogram would round what is small here.
class Latencies {
 public:
  Latencies() { ticks_.reserve(1 << 24); }

  template <typename Call>
  void measure(Call&& call) {
    const uint64_t begin = ticks();
    call();
    ticks_.push_back(ticks() - begin);
  }

  size_t count() const { return ticks_.size(); }
  // In nanoseconds, with the two looks at the clock: less them, what takes 10 ns would often take
  // none.
  double percentile(double part, double ns_per_tick) {
    if (ticks_.empty()) return 0;
    const auto place = static_cast<size_t>(part * static_cast<double>(ticks_.size() - 1));
    const auto at = ticks_.begin() + static_cast<std::ptrdiff_t>(place);
    std::nth_element(ticks_.begin(), at, ticks_.end());
    return static_cast<double>(*at) * ns_per_tick;
  }

 private:
  std::vector<uint64_t> ticks_;
};

// What it takes to measure nothing: the usual ticks of an empty call.
inline uint64_t clock_ticks() {
  std::vector<uint64_t> empty(10001);
  for (uint64_t& one : empty) {
    const uint64_t begin = ticks();
    one = ticks() - begin;
  }
  std::nth_element(empty.begin(), empty.begin() + 5000, empty.end());
  return empty[5000];
}

}  // namespace aimlog::bench

// Aim's times, which are seconds since 1970 as doubles, as nanoseconds.
#pragma once

#include <cmath>
#include <cstdint>

namespace aimlog {

// 0, which says that a time is not known, for what no 64 bits of nanoseconds hold.
inline int64_t to_ns(double seconds) {
  constexpr long double limit = 9.2e18L;
  const long double ns = static_cast<long double>(seconds) * 1e9L;
  return ns > -limit && ns < limit ? std::llround(ns) : 0;
}

}  // namespace aimlog

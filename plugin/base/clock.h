// Time, from the vDSO: no system call.
#pragma once

#include <time.h>

#include <cstdint>

namespace aimlog {

// Nanoseconds since the Unix epoch.
inline int64_t wall_clock_ns() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

// Nanoseconds since some point in this boot; never goes back.
inline int64_t monotonic_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

}  // namespace aimlog

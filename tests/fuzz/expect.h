// What harnesses demand beyond not dying.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace aimlog::test {

// Set where a harness is built with a fault of its own, which what it demands must find.
#ifdef FUZZ_PLANT
inline constexpr bool planted = true;
#else
inline constexpr bool planted = false;
#endif

inline void expect(bool holds, const char* what, int status = 0) {
  if (holds) return;
  std::fprintf(stderr, "this does not hold: %s (status %d)\n", what, status);
  std::abort();
}

}  // namespace aimlog::test

// How floating-point numbers are computed is a setting of each thread, and the host's: traps, the
// direction of rounding, subnormal numbers taken for 0.
#pragma once

#include <fenv.h>

namespace aimlog {

// While it lives this thread, and each one that it makes, computes as IEEE 754 does by default.
class DefaultFloats {
 public:
  DefaultFloats() noexcept {
    ::fegetenv(&before_);
    ::fesetenv(FE_DFL_ENV);
  }
  ~DefaultFloats() { ::fesetenv(&before_); }
  DefaultFloats(const DefaultFloats&) = delete;
  DefaultFloats& operator=(const DefaultFloats&) = delete;

 private:
  fenv_t before_;
};

}  // namespace aimlog

// Throwing where memory is short.
#pragma once

#include <cxxabi.h>

namespace aimlog {

// The first exception of a thread makes libstdc++ ask for the thread's part of its data; where
// there is no memory for that glibc prints a text and ends the process. Asked for early it is
// there.
inline void prepare_exceptions() noexcept {
  // Else the compiler leaves out a call of which nothing is used.
  [[maybe_unused]] void* const volatile kept = abi::__cxa_get_globals();
}

}  // namespace aimlog

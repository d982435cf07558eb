// What a history sets of the world outside: see system_calls.cc.
#pragma once

#include <cstdint>
#include <functional>

#include "tests/simulator/random.h"

namespace aimlog::sim {

extern Random system_random;  // where getrandom() takes its bytes from
extern int64_t clock_ns;      // goes on by a microsecond with each look
// A thread that sleeps lets the other one work.
extern std::function<void()> on_sleep;

}  // namespace aimlog::sim

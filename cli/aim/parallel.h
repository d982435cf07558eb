// Independent pieces of work on all cores.
#pragma once

#include <cstddef>
#include <functional>

namespace aimlog::aim {

// Calls `work` once for each number below `count`, from several threads. The first exception stops
// the rest and is thrown again here.
void parallel_each(size_t count, const std::function<void(size_t)>& work);

// The same until `go_on`, asked before each, says no. Gives how many were done: the first ones.
size_t parallel_some(size_t count, const std::function<bool()>& go_on,
                     const std::function<void(size_t)>& work);

}  // namespace aimlog::aim

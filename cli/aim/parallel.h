// Independent pieces of work on all cores.
#pragma once

#include <cstddef>
#include <functional>

namespace aimlog::aim {

// Calls `work` once for each number below `count`, from several threads. The first exception stops
// the rest and is thrown again here.
void parallel_each(size_t count, const std::function<void(size_t)>& work);

}  // namespace aimlog::aim

// Independent pieces of work on all cores that this process may use.
//
// The threads end before a call returns, so that nothing of ours is left in a host that unloads us,
// and they let no signal through: a host's handlers run on threads that it knows.
#pragma once

#include <cstddef>
#include <functional>

namespace aimlog {

// Of the calling thread: what its affinity allows.
size_t usable_cores();

// Calls `work` once for each number below `count`, from several threads, the caller's among them.
// The first exception stops the rest and is thrown again here. Where no thread can be made, the
// caller's does it all.
void parallel_each(size_t count, const std::function<void(size_t)>& work);

// The same until `go_on`, asked before each, says no. Gives how many were done: the first ones.
size_t parallel_some(size_t count, const std::function<bool()>& go_on,
                     const std::function<void(size_t)>& work);

}  // namespace aimlog

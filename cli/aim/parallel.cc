#include "cli/aim/parallel.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace aimlog::aim {

void parallel_each(size_t count, const std::function<void(size_t)>& work) {
  parallel_some(
      count, [] { return true; }, work);
}

size_t parallel_some(size_t count, const std::function<bool()>& go_on,
                     const std::function<void(size_t)>& work) {
  std::mutex mutex;
  size_t next = 0;
  bool stopped = false;
  std::exception_ptr failure;
  const auto take = [&]() -> std::optional<size_t> {
    const std::scoped_lock guard(mutex);
    if (stopped || next == count || !go_on()) {
      stopped = true;
      return std::nullopt;
    }
    return next++;
  };
  const auto run = [&] {
    while (const auto i = take()) {
      try {
        work(*i);
      } catch (...) {
        const std::scoped_lock guard(mutex);
        if (!failure) failure = std::current_exception();
        stopped = true;
      }
    }
  };
  const size_t wanted = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> threads;
  for (size_t i = 1; i < std::min(wanted, count); ++i) threads.emplace_back(run);
  run();
  for (std::thread& each : threads) each.join();
  if (failure) std::rethrow_exception(failure);
  return next;
}

}  // namespace aimlog::aim

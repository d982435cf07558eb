#include "plugin/base/parallel.h"

#include <sched.h>

#include <algorithm>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "plugin/base/prepare_exceptions.h"
#include "plugin/base/signals.h"

namespace aimlog {
namespace {

std::vector<std::thread> make_threads(size_t count, const std::function<void()>& run) {
  std::vector<std::thread> threads;
  threads.reserve(count);
  const SignalsBlocked blocked;
  try {
    while (threads.size() < count) threads.emplace_back(run);
  } catch (const std::exception&) {
    // A limit of the machine, or no memory for one more: those that are there do the work.
  }
  return threads;
}

}  // namespace

size_t usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  // It fails on machines of more than 1,024 cores.
  if (::sched_getaffinity(0, sizeof set, &set) != 0)
    return std::max(1u, std::thread::hardware_concurrency());
  return static_cast<size_t>(std::max(1, CPU_COUNT(&set)));
}

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
    prepare_exceptions();
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
  const size_t helpers = std::min(usable_cores(), count);
  std::vector<std::thread> threads = make_threads(helpers > 0 ? helpers - 1 : 0, run);
  run();
  for (std::thread& each : threads) each.join();
  if (failure) std::rethrow_exception(failure);
  return next;
}

}  // namespace aimlog

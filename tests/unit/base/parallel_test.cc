#include "plugin/base/parallel.h"

#include <sched.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "tests/support/catch.h"

using namespace aimlog;

namespace {

size_t threads_of_this_process() {
  size_t count = 0;
  for (const auto& each : std::filesystem::directory_iterator("/proc/self/task")) {
    static_cast<void>(each);
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("EachPieceIsDoneOnceAndNoThreadIsLeft") {
  const size_t before = threads_of_this_process();
  std::array<std::atomic<int>, 1000> done{};
  parallel_each(done.size(), [&](size_t i) { ++done[i]; });
  for (const auto& each : done) REQUIRE(each == 1);
  // A thread that was joined may be in the system's list for a moment longer.
  for (int i = 0; i < 2000 && threads_of_this_process() > before; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  CHECK(threads_of_this_process() <= before);
  parallel_each(0, [](size_t) { FAIL("there is nothing to do"); });
}

TEST_CASE("SignalsReachNoThreadThatTheHostDoesNotKnow") {
  const auto own = std::this_thread::get_id();
  std::atomic<int> unblocked = 0;
  std::atomic<size_t> others = 0;
  parallel_each(100, [&](size_t) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (std::this_thread::get_id() == own) return;
    ++others;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    if (sigismember(&mask, SIGTERM) != 1 || sigismember(&mask, SIGCHLD) != 1) ++unblocked;
  });
  CHECK(unblocked == 0);
  CHECK((others > 0 || usable_cores() == 1));
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  CHECK(sigismember(&mask, SIGTERM) == 0);
}

TEST_CASE("TheFirstExceptionStopsTheRest") {
  std::atomic<size_t> done = 0;
  const auto work = [&](size_t i) {
    ++done;
    if (i % 100 == 99) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (i == 3) throw std::runtime_error("the fourth");
  };
  CHECK_THROWS_WITH(parallel_each(1'000'000, work), "the fourth");
  CHECK(done < 1'000'000);
}

TEST_CASE("OneCoreNeedsNoSecondThread") {
  cpu_set_t all, one;
  REQUIRE(sched_getaffinity(0, sizeof all, &all) == 0);
  CPU_ZERO(&one);
  CPU_SET(static_cast<size_t>(sched_getcpu()), &one);
  REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
  CHECK(usable_cores() == 1);
  const auto own = std::this_thread::get_id();
  bool only_own = true;
  parallel_each(100, [&](size_t) { only_own = only_own && std::this_thread::get_id() == own; });
  CHECK(only_own);
  CHECK(sched_setaffinity(0, sizeof all, &all) == 0);
}

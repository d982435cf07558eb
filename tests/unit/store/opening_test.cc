// Two processes open a repo at the same moment, and the first of them comes to nothing. LMDB's call
// of mmap is led here by the linker (--wrap): there it has begun to set up lock.mdb, and whoever
// comes meanwhile waits for it.
#include <sys/mman.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "plugin/store/environment.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/store/case_process.h"

namespace aimlog::test {
namespace {

constexpr size_t large_map = size_t{1} << 30;  // as only LMDB asks for
std::function<void()> at_large_map;            // called once; then there is no room for the map

// A case says by a file that it is about to open the repo; soon after it waits there.
void await_file(const std::filesystem::path& file) {
  for (int i = 0; i < 6000 && !std::filesystem::exists(file); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  REQUIRE(std::filesystem::exists(file));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
}

// Commits of an even and of an odd number, so that neither head of the file is that of number 0.
void make_repo(const std::filesystem::path& directory) {
  const auto env = Environment::open(directory, OpenMode::create);
  for (uint32_t i = 0; i < 4; ++i) put_one(*env, i);
}

}  // namespace
}  // namespace aimlog::test

extern "C" {
void* __real_mmap(void* at, size_t size, int access, int flags, int fd, off_t from);
void* __wrap_mmap(void* at, size_t size, int access, int flags, int fd, off_t from) {
  if (fd >= 0 && size >= aimlog::test::large_map && aimlog::test::at_large_map) {
    std::exchange(aimlog::test::at_large_map, nullptr)();
    errno = ENOMEM;
    return MAP_FAILED;
  }
  return __real_mmap(at, size, access, flags, fd, from);
}
}

namespace aimlog::test {

TEST_CASE("WhoWaitedForAnOpeningThatFailedFindsTheNewestCommit") {
  const TempDir dir;
  make_repo(dir.path());
  pid_t other = 0;
  at_large_map = [&] {
    other = start_case("[.opens_and_writes]", dir.path());
    await_file(dir / "opens");
  };
  const auto env = Environment::open(dir.path(), OpenMode::read_write);
  REQUIRE(other != 0);
  CHECK(exit_code(other) == 0);
  CHECK(Transaction(*env).count(Table::losses) == 5);
}

TEST_CASE("WhoWaitedForAnOpeningThatWasKilledFindsTheNewestCommit") {
  const TempDir dir;
  make_repo(dir.path());
  const pid_t victim = start_case("[.stops_while_it_opens]", dir.path());
  await_file(dir / "stops");
  const pid_t other = start_case("[.opens_and_writes]", dir.path());
  await_file(dir / "opens");
  ::kill(victim, SIGKILL);
  CHECK(exit_code(victim) == -SIGKILL);
  CHECK(exit_code(other) == 0);
  const auto env = Environment::open(dir.path(), OpenMode::read_only);
  CHECK(Transaction(*env).count(Table::losses) == 5);
}

TEST_CASE("OpensAndWrites", "[.opens_and_writes]") {
  std::ofstream(repo_of_case() / "opens") << "now";
  const auto env = Environment::open(repo_of_case(), OpenMode::read_write);
  CHECK(Transaction(*env).count(Table::losses) == 4);
  put_one(*env, 4);
}

TEST_CASE("StopsWhileItOpens", "[.stops_while_it_opens]") {
  at_large_map = [] {
    std::ofstream(repo_of_case() / "stops") << "now";
    for (;;) ::pause();
  };
  Environment::open(repo_of_case(), OpenMode::read_write);
}

}  // namespace aimlog::test

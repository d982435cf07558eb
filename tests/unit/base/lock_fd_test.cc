// Locks whose descriptors no forked child keeps.
#include "plugin/base/lock_fd.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <optional>

#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace aimlog;
using namespace aimlog::test;

namespace {

// A child that lives until the test is over, and whose fork handlers have run. `make` returns 0 in
// it.
class Child {
 public:
  template <typename Make>
  explicit Child(const Make& make) {
    int ready[2];
    REQUIRE(pipe(ready) == 0);
    pid_ = make();
    if (pid_ == 0) {
      (void)!write(ready[1], "", 1);
      while (true) pause();
    }
    char byte;
    CHECK(read(ready[0], &byte, 1) == 1);
    close(ready[0]);
    close(ready[1]);
  }
  ~Child() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

 private:
  pid_t pid_ = 0;
};

pid_t fork_without_handlers() {
  return static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr));
}

UniqueFd open_it(const std::filesystem::path& path) {
  return UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
}

bool is_locked(const std::filesystem::path& path) {
  const UniqueFd fd = open_it(path);
  return ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0;
}

}  // namespace

TEST_CASE("AForkedChildKeepsNoLock") {
  TempDir dir;
  const auto path = dir / "lock";
  LockFd first([&] { return open_it(dir / "first"); });
  LockFd lock([&] { return open_it(path); });
  LockFd last([&] { return open_it(dir / "last"); });
  for (LockFd* each : {&first, &lock, &last}) REQUIRE(::flock(each->get(), LOCK_EX) == 0);
  first.reset();
  LockFd moved(std::move(lock));
  CHECK_FALSE(lock);
  const bool handlers = GENERATE(true, false);
  const Child child(handlers ? fork : fork_without_handlers);
  CHECK(is_locked(path));
  // Closed and not unlocked, as by a death.
  moved.reset();
  last.reset();
  CHECK(is_locked(path) == !handlers);
  CHECK(is_locked(dir / "last") == !handlers);
}

TEST_CASE("InTheChildALockIsEmpty") {
  TempDir dir;
  const LockFd lock([&] { return open_it(dir / "lock"); });
  const pid_t pid = fork();
  if (pid == 0) _exit(lock ? 1 : 0);
  int status = 1;
  waitpid(pid, &status, 0);
  CHECK(status == 0);
  CHECK(lock);
}

TEST_CASE("AForkBehindTheOpeningOfALockMakesItOpenedAnew") {
  TempDir dir;
  const auto path = dir / "lock";
  std::optional<Child> child;
  int times = 0;
  LockFd lock([&] {
    UniqueFd fd = open_it(path);
    if (++times == 1) child.emplace(fork);
    return fd;
  });
  CHECK(times == 2);
  REQUIRE(::flock(lock.get(), LOCK_EX) == 0);
  lock.reset();
  CHECK_FALSE(is_locked(path));
}

TEST_CASE("ALockThatCannotBeOpenedIsEmpty") {
  const LockFd lock([] { return UniqueFd(::open("/nowhere/lock", O_RDONLY)); });
  CHECK_FALSE(lock);
  CHECK(lock.get() == -1);
}

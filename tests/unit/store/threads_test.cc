// Threads of one process that open, write and open again, on one repo and on several, while
// somebody else holds a repo's write lock.
#include <fcntl.h>
#include <sys/file.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "plugin/base/unique_fd.h"
#include "plugin/store/environment.h"
#include "plugin/store/environment_state.h"
#include "plugin/store/write_lock.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/store/case_process.h"
#include "tests/unit/store/child.h"
#include "tests/unit/store/code_of_opening.h"

namespace aimlog::test {
namespace {

// The write lock as another process has it: by a descriptor of its own.
class ForeignLock {
 public:
  explicit ForeignLock(const RepoPaths& paths) : fd_(open_lock_file(paths.write_lock)) {
    lock_file(fd_.get(), LOCK_EX, paths.write_lock);
  }
  ~ForeignLock() { unlock_file(fd_.get()); }
  ForeignLock(const ForeignLock&) = delete;
  ForeignLock& operator=(const ForeignLock&) = delete;

 private:
  LockFd fd_;
};

bool is_write_locked(const RepoPaths& paths) {
  const UniqueFd fd(::open(paths.write_lock.c_str(), O_RDONLY | O_CLOEXEC));
  return ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0;
}

// Time enough for a thread to come to where it waits.
void let_others_come() { std::this_thread::sleep_for(std::chrono::milliseconds(300)); }

// For as long as it lives.
struct ShortPatience {
  explicit ShortPatience(std::chrono::milliseconds time) { write_lock_patience = time; }
  ~ShortPatience() { write_lock_patience = std::chrono::milliseconds(10000); }
};

}  // namespace

TEST_CASE("AWriterKeepsItsLockWhileAnotherThreadReopens") {
  const TempDir dir;
  const auto env = Environment::open(dir.path(), OpenMode::create);
  auto held = std::make_unique<ForeignLock>(env->paths());
  std::atomic<bool> was_locked = false;
  std::thread writer([&] {
    with_write_transaction(*env, [&](WriteTransaction& txn) {
      was_locked = is_write_locked(env->paths());
      txn.put(Table::losses, number_key(1), "x");
    });
  });
  let_others_come();
  std::thread other([&] { env->reopen(); });
  let_others_come();
  held.reset();
  writer.join();
  other.join();
  CHECK(was_locked);
  CHECK(Transaction(*env).count(Table::losses) == 1);
}

TEST_CASE("ARepoThatIsOpenedAgainIsInNoOthersWay") {
  const TempDir dir;
  const ShortPatience patience(std::chrono::seconds(3));
  const auto sick = Environment::open(dir / "sick", OpenMode::create);
  auto healthy = Environment::open(dir / "healthy", OpenMode::create);
  const ForeignLock held(sick->paths());
  std::atomic<bool> is_over = false;
  ErrorCode code = ErrorCode::unknown;
  std::thread other([&] {
    try {
      sick->reopen();
    } catch (const Error& error) {
      code = error.code();
    }
    is_over = true;
  });
  let_others_come();
  healthy.reset();
  Environment::open(dir / "healthy", OpenMode::read_write);
  Environment::open(dir / "new", OpenMode::create);
  CHECK(Environment::open(dir / "sick", OpenMode::create) == sick);
  CHECK_FALSE(is_over);
  other.join();
  CHECK(code == ErrorCode::busy);
}

TEST_CASE("ARepoThatCannotBeMadeYetIsInNoOthersWay") {
  const TempDir dir;
  const ShortPatience patience(std::chrono::seconds(3));
  std::filesystem::create_directories(dir / "sick/.aimlog");
  auto held = std::make_unique<ForeignLock>(RepoPaths(dir / "sick"));
  std::atomic<bool> is_over = false;
  ErrorCode code = ErrorCode::unknown;
  std::thread other([&] {
    code = code_of_opening(dir / "sick", OpenMode::create);
    is_over = true;
  });
  let_others_come();
  Environment::open(dir / "new", OpenMode::create);
  CHECK_FALSE(is_over);
  other.join();
  CHECK(code == ErrorCode::busy);
  held.reset();
  CHECK(code_of_opening(dir / "sick", OpenMode::create) == ErrorCode::unknown);
}

TEST_CASE("ACommitInAStoreThatIsNotTrustedAnyMoreIsNone") {
  const TempDir dir;
  // In a process of its own, as the store is leaked then.
  const auto commit = [&] {
    const auto env = Environment::open(dir.path(), OpenMode::create);
    WriteTransaction txn(*env);
    txn.put(Table::losses, number_key(1), "x");
    env->state().poisoned = true;  // a reader's assert, of another thread
    txn.commit();
    return 0;
  };
  CHECK(exited_with(run_in_child(commit), 99));
}

// As LMDB would else take the locks away from who opens at that moment.
TEST_CASE("ClosingWaitsForWhoIsOpening") {
  TempDir dir;
  auto env = Environment::open(dir.path(), OpenMode::create);
  const UniqueFd opening(::open((dir / ".aimlog").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  REQUIRE(::flock(opening.get(), LOCK_EX) == 0);
  std::atomic<bool> is_closed = false;
  std::thread closes([&] {
    env.reset();
    is_closed = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  CHECK_FALSE(is_closed);
  ::flock(opening.get(), LOCK_UN);
  closes.join();
  CHECK(is_closed);
}

TEST_CASE("AForkedChildOpensTheRepoForItself") {
  TempDir dir;
  const auto env = Environment::open(dir.path(), OpenMode::create);
  put_one(*env, 1, "the parent");
  const auto write = [&] {
    env->abandon_in_child();
    put_one(*Environment::open(dir.path(), OpenMode::create), 2, "the child");
    return 0;
  };
  CHECK(exited_with(run_in_child(write), 0));
  put_one(*env, 3, "the parent");
  CHECK(Transaction(*env).count(Table::losses) == 3);
}

TEST_CASE("AForkedChildOpensWhatAnotherThreadWasOpening") {
  const TempDir dir;
  const ShortPatience patience(std::chrono::seconds(3));
  std::filesystem::create_directories(dir / "sick/.aimlog");
  const ForeignLock held(RepoPaths(dir / "sick"));
  std::thread other([&] { code_of_opening(dir / "sick", OpenMode::create); });
  let_others_come();
  const int status = run_in_child([&] {
    ::alarm(60);  // it must not wait for a thread that it does not have
    Environment::open(dir / "new", OpenMode::create);
    return code_of_opening(dir / "sick", OpenMode::create) == ErrorCode::busy ? 0 : 1;
  });
  other.join();
  CHECK(exited_with(status, 0));
}

TEST_CASE("ThreadsThatOpenAndCloseOneRepoShareIt") {
  const TempDir dir;
  std::atomic<unsigned> failures = 0;
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (uint32_t i = 0; i < 25; ++i) {
        try {
          const auto mode = i % 3 == 0 ? OpenMode::create : OpenMode::read_only;
          const auto env = Environment::open(dir.path(), mode);
          if (mode == OpenMode::create) put_one(*env, t * 100 + i);
          if (i % 10 == 0) env->reopen();
        } catch (const Error& error) {
          // A reader may come before there is a repo.
          if (error.code() != ErrorCode::not_found) ++failures;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == 0);
  const auto env = Environment::open(dir.path(), OpenMode::read_only);
  CHECK(Transaction(*env).count(Table::losses) == 4 * 9);
}

}  // namespace aimlog::test

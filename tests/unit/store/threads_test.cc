// Threads of one process that open, write and open again, on one repo and on several, while
// somebody else holds a repo's write lock.
#include <fcntl.h>
#include <sys/file.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "plugin/store/environment.h"
#include "plugin/store/write_lock.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/store/case_process.h"

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
  UniqueFd fd_;
};

bool is_write_locked(const RepoPaths& paths) {
  const UniqueFd fd(::open(paths.write_lock.c_str(), O_RDONLY | O_CLOEXEC));
  return ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0;
}

// Time enough for a thread to come to where it waits.
void let_others_come() { std::this_thread::sleep_for(std::chrono::milliseconds(300)); }

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

}  // namespace aimlog::test

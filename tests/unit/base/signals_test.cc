#include "plugin/base/signals.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "plugin/base/unique_fd.h"
#include "tests/support/catch.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/temp_dir.h"

namespace aimlog::test {
namespace {

constexpr off_t limit_bytes = 4096;

bool is_blocked(int signal) {
  sigset_t now;
  pthread_sigmask(SIG_SETMASK, nullptr, &now);
  return sigismember(&now, signal) == 1;
}

bool is_pending(int signal) {
  sigset_t now;
  sigpending(&now);
  return sigismember(&now, signal) == 1;
}

}  // namespace

TEST_CASE("AFileThatMayNotGrowIsAnErrorAndNoSignal") {
  const TempDir dir;
  const UniqueFd file(open((dir / "file").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const FileSizeLimit limit(limit_bytes);
  {
    const FileSizeSignalBlocked blocked;
    errno = 0;
    CHECK(pwrite(file.get(), "x", 1, limit_bytes) == -1);
    CHECK(errno == EFBIG);
    CHECK(is_pending(SIGXFSZ));
  }
  CHECK_FALSE(is_pending(SIGXFSZ));
  CHECK_FALSE(is_blocked(SIGXFSZ));
}

TEST_CASE("ASignalThatWaitedForTheHostStillDoes") {
  sigset_t file_size, before;
  sigemptyset(&file_size);
  sigaddset(&file_size, SIGXFSZ);
  pthread_sigmask(SIG_BLOCK, &file_size, &before);
  raise(SIGXFSZ);
  { const FileSizeSignalBlocked blocked; }
  CHECK(is_pending(SIGXFSZ));
  int taken = 0;
  sigwait(&file_size, &taken);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  CHECK(taken == SIGXFSZ);
}

TEST_CASE("BlockedSignalsAreThoseFromBefore") {
  {
    const SignalsBlocked blocked;
    CHECK((is_blocked(SIGUSR1) && is_blocked(SIGTERM)));
  }
  CHECK_FALSE((is_blocked(SIGUSR1) || is_blocked(SIGTERM)));
}

}  // namespace aimlog::test

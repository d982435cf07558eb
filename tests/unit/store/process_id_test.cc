#include <fcntl.h>

#include <csignal>
#include <cstdio>

#include "plugin/store/environment.h"
#include "plugin/store/keys.h"
#include "plugin/store/lmdb_process_id.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/store/child.h"

namespace aimlog::test {
namespace {

constexpr off_t range = (off_t{1} << 31) - process_id_limit;

struct flock bytes_of(off_t begin, off_t length) {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = begin;
  lock.l_len = length;
  return lock;
}

// A process that does something with a repo and then waits until it is killed.
class Neighbour {
 public:
  template <typename Work>
  explicit Neighbour(const Work& work) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    child_ = ::fork();
    if (child_ == 0) {
      ::close(ends[0]);
      work([&] {
        (void)!::write(ends[1], "!", 1);
        for (;;) ::pause();
      });
      ::_exit(1);
    }
    ::close(ends[1]);
    char ready = 0;
    const bool came = ::read(ends[0], &ready, 1) == 1;
    ::close(ends[0]);
    REQUIRE(came);
  }
  ~Neighbour() { kill(); }
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;

  void kill() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    child_ = 0;
  }

 private:
  pid_t child_ = 0;
};

// Somebody who has all numbers of the range's first part.
auto taker_of(const std::filesystem::path& lock_file, off_t length) {
  return [=](const auto& wait) {
    const int fd = ::open(lock_file.c_str(), O_RDWR | O_CLOEXEC);
    struct flock lock = bytes_of(process_id_limit, length);
    if (fd >= 0 && ::fcntl(fd, F_SETLK, &lock) == 0) wait();
  };
}

// What another program that uses LMDB says to have freed.
int dead_readers(const std::filesystem::path& directory) {
  const std::string line =
      AIMLOG_LMDB_NEIGHBOUR " '" + (directory / ".aimlog").string() + "' check";
  std::FILE* out = ::popen(line.c_str(), "re");
  REQUIRE(out != nullptr);
  int count = -1;
  const bool said = std::fscanf(out, "%d", &count) == 1;
  REQUIRE((::pclose(out) == 0 && said));
  return count;
}

}  // namespace

TEST_CASE("AnEnvironmentHasANumberThatNoProcessHas") {
  TempDir dir;
  const auto env = Environment::open(dir.path(), OpenMode::create);
  const auto holder_of = [&](off_t begin, off_t length) {
    return run_in_child([&] {
      const int fd = ::open((dir / ".aimlog/lock.mdb").c_str(), O_RDWR | O_CLOEXEC);
      struct flock lock = bytes_of(begin, length);
      if (fd < 0 || ::fcntl(fd, F_GETLK, &lock) != 0) return 9;
      if (lock.l_type == F_UNLCK) return 0;
      return lock.l_pid == ::getppid() && lock.l_len == 1 ? 1 : 2;
    });
  };
  CHECK(exited_with(holder_of(process_id_limit, range), 1));
  CHECK(exited_with(holder_of(1, process_id_limit - 1), 0));
}

TEST_CASE("ANumberThatAnotherProcessHasIsNotTaken") {
  TempDir dir;
  Environment::open(dir.path(), OpenMode::create);
  const Neighbour neighbour(taker_of(dir / ".aimlog/lock.mdb", range / 4));
  for (int i = 0; i < 40; ++i) {
    const auto env = Environment::open(dir.path(), OpenMode::read_write);
    CHECK(Transaction(*env).count(Table::losses) == 0);
  }
}

TEST_CASE("WhereEveryNumberIsTakenOpeningIsRefused") {
  TempDir dir;
  Environment::open(dir.path(), OpenMode::create);
  Neighbour neighbour(taker_of(dir / ".aimlog/lock.mdb", range));
  try {
    Environment::open(dir.path(), OpenMode::read_only);
    FAIL("it was opened");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::busy);
    CHECK(std::string(error.what()).find("another pid namespace") != std::string::npos);
  }
  neighbour.kill();
  CHECK(Environment::open(dir.path(), OpenMode::read_only) != nullptr);
}

TEST_CASE("OtherUsersOfLmdbSeeWhetherAReaderLives") {
  TempDir dir;
  Environment::open(dir.path(), OpenMode::create);
  // Whoever finds nobody else there makes the table anew.
  const Neighbour idle([&](const auto& wait) {
    const auto env = Environment::open(dir.path(), OpenMode::read_only);
    wait();
  });
  Neighbour reader([&](const auto& wait) {
    const auto env = Environment::open(dir.path(), OpenMode::read_only);
    const Transaction txn(*env);
    wait();
  });
  CHECK(dead_readers(dir.path()) == 0);
  reader.kill();
  CHECK(dead_readers(dir.path()) == 1);
}

}  // namespace aimlog::test

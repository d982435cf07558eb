// Who reads without leave to write, and what others do to the repo meanwhile.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>

#include "plugin/store/environment.h"
#include "plugin/store/environment_state.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/store/case_process.h"
#include "tests/unit/store/child.h"
#include "tests/unit/store/code_of_opening.h"

namespace aimlog::test {
namespace {

// Begins a transaction, says so, and looks once the other end of `written` is closed. 0 where the
// answer is that somebody wrote meanwhile.
int read_beside_a_writer(const std::filesystem::path& directory, int begun, int written) {
  try {
    if (::setuid(65534) != 0) return 1;
    const auto reader = Environment::open(directory, OpenMode::read_only);
    const Transaction txn(*reader);
    char sign = 0;
    if (::write(begun, "x", 1) != 1 || ::read(written, &sign, 1) != 0) return 2;
    txn.scan(Table::losses, {}, {}, [](ByteView, ByteView) { return true; });
  } catch (const Error& error) {
    return error.code() == ErrorCode::busy ? 0 : 3;
  }
  return 4;
}

}  // namespace

TEST_CASE("AReaderGoesOnWhereNobodyCanWrite") {
  TempDir dir;
  Environment::open(dir.path(), OpenMode::create);
  const auto reader = Environment::open(dir.path(), OpenMode::read_only);
  // In place of a lack of rights, which root does not have.
  std::filesystem::remove(reader->paths().write_lock);
  std::filesystem::create_directory(reader->paths().write_lock);
  CHECK(code_of_opening(dir.path(), OpenMode::create) == ErrorCode::io);
  CHECK_FALSE(reader->writable());
  CHECK(Transaction(*reader).count(Table::losses) == 0);
  CHECK(Environment::open(dir.path(), OpenMode::read_only) == reader);
  std::filesystem::remove(reader->paths().write_lock);
  put_one(*Environment::open(dir.path(), OpenMode::create), 1, "x");
}

// LMDB sees no reader that may not write lock.mdb, and uses the pages again that it reads.
TEST_CASE("AReaderThatNobodySeesIsNotToldOfDamage") {
  if (::geteuid() != 0) {
    std::puts("not run: only root can become somebody who may not write");
    return;
  }
  TempDir dir;
  const auto env = Environment::open(dir.path(), OpenMode::create);
  std::filesystem::permissions(dir.path(), std::filesystem::perms(0755));
  for (uint32_t i = 0; i < 300; ++i) put_one(*env, i, Bytes(1000, 'x'));
  int begun[2], written[2];
  REQUIRE(::pipe(begun) == 0);
  REQUIRE(::pipe(written) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    env->abandon_in_child();
    ::close(written[1]);
    ::_exit(read_beside_a_writer(dir.path(), begun[1], written[0]));
  }
  ::close(begun[1]);
  char sign = 0;
  CHECK(::read(begun[0], &sign, 1) == 1);
  for (uint32_t i = 0; i < 300; ++i) put_one(*env, i, Bytes(900, 'y'));
  ::close(written[1]);
  CHECK(exit_code(child) == 0);
  ::close(begun[0]);
  ::close(written[0]);
}

// Pages of the snapshot that it read would never be used again while the writer lives.
TEST_CASE("AReaderThatWasKilledKeepsNoPagesForLong") {
  TempDir dir;
  Environment::open(dir.path(), OpenMode::create);
  int opened[2], begun[2];
  REQUIRE(::pipe(opened) == 0);
  REQUIRE(::pipe(begun) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    char sign = 0;
    if (::read(opened[0], &sign, 1) != 1) ::_exit(1);
    const auto own = Environment::open(dir.path(), OpenMode::read_only);
    const Transaction reader(*own);
    if (::write(begun[1], "x", 1) != 1) ::_exit(1);
    while (true) ::pause();
  }
  const auto env = Environment::open(dir.path(), OpenMode::create);
  put_one(*env, 1, Bytes(3000, 'x'));
  char sign = 0;
  REQUIRE(::write(opened[1], "x", 1) == 1);
  REQUIRE(::read(begun[0], &sign, 1) == 1);
  REQUIRE(::kill(child, SIGKILL) == 0);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  const auto grown_by = [&] {
    const auto before = std::filesystem::file_size(env->paths().data);
    for (char each = 0; each < 100; ++each) put_one(*env, 1, Bytes(3000, each));
    return std::filesystem::file_size(env->paths().data) - before;
  };
  CHECK(grown_by() > 100 * 4096);
  env->state().dead_readers_forgotten_ns -= INT64_C(61'000'000'000);
  CHECK(grown_by() < 20 * 4096);
}

}  // namespace aimlog::test

// LMDB's lock file: it has its blocks before LMDB maps it.
#include "plugin/store/lmdb_lock_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <string>

#include "plugin/store/environment.h"
#include "plugin/store/lmdb_handles.h"
#include "tests/support/catch.h"
#include "tests/support/faulty_file.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/store/case_process.h"
#include "tests/unit/store/code_of_opening.h"

namespace aimlog::test {
namespace {

struct stat look_at(const std::filesystem::path& file) {
  struct stat info {};
  ::stat(file.c_str(), &info);
  return info;
}

bool has_all_blocks(const std::filesystem::path& file) {
  const struct stat info = look_at(file);
  return info.st_size > 0 && info.st_blocks * 512 >= info.st_size;
}

}  // namespace

TEST_CASE("TheLockFileIsAsLongAsLmdbMakesIt") {
  for (const unsigned readers : {1u, 126u, reader_count_max}) {
    const TempDir dir;
    MDB_env* env = nullptr;
    REQUIRE(mdb_env_create(&env) == 0);
    mdb_env_set_maxreaders(env, readers);
    REQUIRE(mdb_env_open(env, dir.path().c_str(), 0, 0664) == 0);
    CHECK(std::filesystem::file_size(dir / "lock.mdb") == lock_file_bytes(readers));
    mdb_env_close(env);
  }
}

TEST_CASE("TheLockFileOfARestoredRepoGetsItsBlocksOrIsRefused") {
  const TempDir dir;
  const auto lock = dir / ".aimlog/lock.mdb";
  Environment::open(dir.path(), OpenMode::create);
  CHECK(has_all_blocks(lock));
  for (const OpenMode mode : {OpenMode::create, OpenMode::read_write, OpenMode::read_only}) {
    std::filesystem::remove(lock);
    FaultyFile faulty;
    faulty.fail_allocations(ENOSPC);
    CHECK(code_of_opening(dir.path(), mode) == ErrorCode::no_space);
  }
  CHECK(code_of_opening(dir.path(), OpenMode::read_only) == ErrorCode::unknown);
  CHECK(has_all_blocks(lock));
}

TEST_CASE("TheLockFileIsWrittenWhereNothingCanBeAllocated") {
  const TempDir dir;
  const auto lock = dir / ".aimlog/lock.mdb";
  Environment::open(dir.path(), OpenMode::create);
  std::filesystem::remove(lock);
  FaultyFile faulty;
  faulty.fail_allocations(EOPNOTSUPP);
  faulty.limit_writes(1000);
  CHECK(code_of_opening(dir.path(), OpenMode::read_write) == ErrorCode::no_space);
  faulty.limit_writes(100000);
  CHECK(code_of_opening(dir.path(), OpenMode::read_write) == ErrorCode::unknown);
  CHECK(has_all_blocks(lock));
  CHECK(std::filesystem::file_size(lock) == lock_file_bytes(reader_count_max));
}

TEST_CASE("HolesInALockFileAreFilledAndItsContentStays") {
  const TempDir dir;
  const auto lock = dir / "lock.mdb";
  const std::string text(100, 'x');
  std::ofstream(lock) << text;
  std::filesystem::resize_file(lock, lock_file_bytes(reader_count_max));
  {
    FaultyFile faulty;
    faulty.fail_allocations(ENOSPC);
    CHECK_THROWS_AS(allocate_lock_file(lock, true), Error);
    CHECK_NOTHROW(allocate_lock_file(lock, false));
  }
  CHECK_FALSE(has_all_blocks(lock));
  allocate_lock_file(lock, true);
  CHECK(has_all_blocks(lock));
  std::string found(text.size(), '\0');
  std::ifstream(lock).read(found.data(), static_cast<std::streamsize>(found.size()));
  CHECK(found == text);
}

// Another program may have mapped it for fewer readers.
TEST_CASE("ALockFileInUseIsNotMadeLonger") {
  const TempDir dir;
  const auto lock = dir / ".aimlog/lock.mdb";
  Environment::open(dir.path(), OpenMode::create);
  std::filesystem::remove(lock);
  const std::string line = AIMLOG_LMDB_NEIGHBOUR " '" + (dir / ".aimlog").string() + "' fill > '" +
                           (dir / "said").string() + "'";
  std::FILE* neighbour = ::popen(line.c_str(), "we");
  REQUIRE(neighbour != nullptr);
  for (int i = 0; i < 2000 && look_at(dir / "said").st_size == 0; ++i) ::usleep(5000);
  const auto size = std::filesystem::file_size(lock);
  CHECK(size < lock_file_bytes(reader_count_max));
  allocate_lock_file(lock, true);
  CHECK(std::filesystem::file_size(lock) == size);
  CHECK(has_all_blocks(lock));
  std::fputs("\n", neighbour);
  CHECK(::pclose(neighbour) == 0);
  allocate_lock_file(lock, true);
  CHECK(std::filesystem::file_size(lock) == lock_file_bytes(reader_count_max));
}

}  // namespace aimlog::test

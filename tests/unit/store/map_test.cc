// The map of a repo: how it grows, and what readers see of that. Some calls of LMDB's functions are
// led here by the linker (--wrap), to make what else comes by chance.
#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "plugin/store/copy_data.h"
#include "plugin/store/environment.h"
#include "plugin/store/environment_state.h"
#include "plugin/store/keys.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/store/case_process.h"

namespace aimlog::test {
namespace {

std::atomic<int> begins_too_small{0};  // that find the file larger than the map
std::atomic<int> begins_overtaken{0};  // whose number is that of an older commit

bool takes_one(std::atomic<int>& count) {
  if (count == 0) return false;
  --count;
  return true;
}

struct SmallMap {
  explicit SmallMap(size_t bytes) { initial_map_bytes = bytes; }
  ~SmallMap() { initial_map_bytes = size_t{64} << 30; }
};

size_t map_bytes(Environment& env) {
  MDB_envinfo info;
  mdb_env_info(env.state().env, &info);
  return info.me_mapsize;
}

// Another process, which never had the environment open, makes the file larger than a small map.
void fill_elsewhere(const std::filesystem::path& directory) {
  REQUIRE(exit_code(start_case("[.fills_a_repo]", directory)) == 0);
}

}  // namespace
}  // namespace aimlog::test

extern "C" {
int __real_mdb_txn_begin(MDB_env* env, MDB_txn* parent, unsigned flags, MDB_txn** txn);
int __wrap_mdb_txn_begin(MDB_env* env, MDB_txn* parent, unsigned flags, MDB_txn** txn) {
  if ((flags & MDB_RDONLY) != 0 && aimlog::test::takes_one(aimlog::test::begins_too_small))
    return MDB_MAP_RESIZED;
  return __real_mdb_txn_begin(env, parent, flags, txn);
}
size_t __real_mdb_txn_id(MDB_txn* txn);
size_t __wrap_mdb_txn_id(MDB_txn* txn) {
  const bool overtaken = aimlog::test::takes_one(aimlog::test::begins_overtaken);
  return __real_mdb_txn_id(txn) - (overtaken ? 2 : 0);
}
}

namespace aimlog::test {

TEST_CASE("TheMapGrowsWhenItIsFull") {
  TempDir dir;
  const SmallMap small(256 << 10);
  const auto env = Environment::open(dir.path(), OpenMode::create);
  const Bytes value(20000, 'v');
  for (uint32_t i = 0; i < 100; ++i) put_one(*env, i, value);
  CHECK(Transaction(*env).count(Table::losses) == 100);
}

TEST_CASE("TheMapStaysWhereItIsWhileAReaderLives") {
  const TempDir dir;
  const SmallMap small(256 << 10);
  const auto env = Environment::open(dir.path(), OpenMode::create);
  const Bytes value(20000, 'v');
  put_one(*env, 0, value);
  const size_t before = map_bytes(*env);
  std::atomic<uint32_t> written = 0;
  std::thread writer;
  {
    const Transaction reader(*env);
    const std::optional<ByteView> seen = reader.get(Table::losses, number_key(0));
    writer = std::thread([&] {
      for (uint32_t i = 1; i < 50; ++i, ++written) put_one(*env, i, value);
    });
    // It comes to the end of the map, and waits there.
    uint32_t last = 0;
    do {
      last = written;
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    } while (written != last || last == 0);
    CHECK(written < 49);
    const bool stays = map_bytes(*env) == before;
    CHECK(stays);
    if (stays) CHECK(*seen == value);  // else that memory is gone
  }
  writer.join();
  CHECK(map_bytes(*env) > before);
  CHECK(Transaction(*env).count(Table::losses) == 50);
}

TEST_CASE("AReaderFollowsAMapThatAnotherProcessHasGrown") {
  const TempDir dir;
  const SmallMap small(256 << 10);
  const auto env = Environment::open(dir.path(), OpenMode::create);
  fill_elsewhere(dir.path());
  CHECK(Transaction(*env).count(Table::losses) == 100);
  put_one(*env, 1000, "more");
}

TEST_CASE("ACopyIsMadeOfARepoThatAnotherProcessHasGrown") {
  const TempDir dir;
  const SmallMap small(256 << 10);
  const auto env = Environment::open(dir / "repo", OpenMode::create);
  fill_elsewhere(dir / "repo");
  copy_data(*env, dir / "copy");
  const auto copy = Environment::open(dir / "copy", OpenMode::read_only);
  CHECK(Transaction(*copy).count(Table::losses) == 100);
}

TEST_CASE("ARepoIsOpenedWhileAnotherProcessMakesItGrow") {
  const TempDir dir;
  Environment::open(dir.path(), OpenMode::create);
  begins_too_small = 2;
  const auto env = Environment::open(dir.path(), OpenMode::read_write);
  CHECK(begins_too_small == 0);
  put_one(*env, 1);
  CHECK(Transaction(*env).count(Table::losses) == 1);
}

TEST_CASE("AReaderThatTwoCommitsOvertookBeginsAnew") {
  const TempDir dir;
  const auto env = Environment::open(dir.path(), OpenMode::create);
  for (uint32_t i = 0; i < 5; ++i) put_one(*env, i);
  begins_overtaken = 3;
  CHECK(Transaction(*env).count(Table::losses) == 5);
  CHECK(begins_overtaken == 0);
  // A file that lost a commit says the same each time.
  begins_overtaken = 1000;
  CHECK_THROWS_WITH(Transaction(*env), Catch::Matchers::Contains("went back in time"));
  begins_overtaken = 0;
}

TEST_CASE("FillsARepo", "[.fills_a_repo]") {
  const SmallMap small(256 << 10);
  const auto env = Environment::open(repo_of_case(), OpenMode::read_write);
  for (uint32_t i = 0; i < 100; ++i) put_one(*env, i, Bytes(20000, 'v'));
}

}  // namespace aimlog::test

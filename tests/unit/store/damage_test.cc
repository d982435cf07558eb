// What a damaged file does: it is refused, or its damage is in what nobody uses. It never kills the
// process and never gives a wrong row.
#include <fcntl.h>
#include <sys/file.h>

#include <fstream>
#include <random>
#include <sstream>

#include "plugin/store/checked_value.h"
#include "plugin/store/environment.h"
#include "plugin/store/environment_state.h"
#include "plugin/store/keys.h"
#include "plugin/store/page_check.h"
#include "plugin/store/page_format.h"
#include "plugin/store/row_group.h"
#include "plugin/store/salvage.h"
#include "plugin/store/store_format.h"
#include "tests/support/catch.h"
#include "tests/support/every_row.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/store/child.h"

namespace aimlog::test {
namespace {

constexpr size_t page_bytes = 4096;

Bytes read_file(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

void write_file(const std::filesystem::path& file, ByteView bytes) {
  std::ofstream(file, std::ios::trunc) << bytes;
}

// Of 9,000 bytes or so.
RowGroup noisy_group() {
  std::mt19937_64 random(3);
  RowGroup group;
  group.first_sequence = group.last_sequence = 1;
  group.columns.resize(1);
  for (int64_t i = 0; i < 1100; ++i) {
    group.steps.push_back(i);
    group.times_ns.push_back(i);
    group.epochs.push_back(Number::of(i));
    group.columns[0].values.push_back({NumberType::float64, random()});
  }
  return group;
}

// Rows of all sizes, with freed pages, branches and long values.
void fill(Environment& env, uint32_t count) {
  with_write_transaction(env, [&](WriteTransaction& txn) {
    for (uint32_t i = 0; i < count; ++i) {
      txn.put(Table::runs, Key().add(i), Bytes(30 + i % 40, static_cast<char>('a' + i % 26)));
    }
    const Bytes chunk = encode_row_group(noisy_group());
    for (uint32_t i = 0; i < 4; ++i) txn.put(Table::chunks, Key().add(i), chunk);
  });
  with_write_transaction(env, [&](WriteTransaction& txn) {
    for (uint32_t i = 0; i < count; i += 3) txn.erase(Table::runs, Key().add(i));
    txn.erase(Table::chunks, Key().add(uint32_t{1}));
  });
  with_write_transaction(
      env, [](WriteTransaction& txn) { txn.put(Table::losses, Key().add(1u), "last"); });
}

struct SmallRepo {
  explicit SmallRepo(uint32_t count = 200) {
    const auto env = Environment::open(dir.path(), OpenMode::create);
    fill(*env, count);
    rows = read_all(*env);
  }
  TempDir dir;
  std::filesystem::path data = dir / ".aimlog/data.mdb";
  Rows rows;
};

enum Outcome { harmless = 0, refused = 1, wrong = 2 };

// In a child: opens the damaged repo, reads every row and writes one.
int open_and_use(const SmallRepo& repo) {
  return run_in_child([&] {
    try {
      const auto env = Environment::open(repo.dir.path(), OpenMode::read_write);
      if (read_all(*env) != repo.rows) return wrong;
      with_write_transaction(
          *env, [](WriteTransaction& txn) { txn.put(Table::names, "new", Bytes(5000, 'n')); });
      return harmless;
    } catch (const Error&) {
      return refused;
    }
  });
}

template <typename Page>
void each_page(const Bytes& file, const Page& visit) {
  for (size_t page = 2; (page + 1) * page_bytes <= file.size(); ++page) visit(page);
}

}  // namespace

TEST_CASE("ATruncatedFileIsRefusedOrItsEndWasFree") {
  const SmallRepo repo;
  const Bytes good = read_file(repo.data);
  int refusals = 0;
  for (size_t size = page_bytes; size < good.size(); size += page_bytes) {
    write_file(repo.data, ByteView(good).substr(0, size));
    const int status = open_and_use(repo);
    CHECK((exited_with(status, refused) || exited_with(status, harmless)));
    refusals += exited_with(status, refused) ? 1 : 0;
  }
  CHECK(refusals > 5);
  write_file(repo.data, ByteView(good).substr(0, 100));
  CHECK(exited_with(open_and_use(repo), refused));
  write_file(repo.data, good);
  CHECK(exited_with(open_and_use(repo), harmless));
}

// LMDB keeps the place of a value that a shorter one replaces before the commit.
TEST_CASE("AValueThatBecameShorterBeforeItsCommitIsNoDamage") {
  const TempDir dir;
  const auto env = Environment::open(dir.path(), OpenMode::create);
  with_write_transaction(*env, [](WriteTransaction& txn) {
    txn.put(Table::names, "shorter", Bytes(20000, 'x'));
    txn.put(Table::names, "shorter", Bytes(5000, 'y'));
    txn.put(Table::names, "short", Bytes(9000, 'x'));
    txn.put(Table::names, "short", Bytes(10, 'y'));
  });
  CHECK_NOTHROW(check_pages(env->paths(), false, true));
}

TEST_CASE("AFlippedByteAnywhereIsDetectedOrHarmless") {
  const SmallRepo repo;
  const Bytes good = read_file(repo.data);
  std::mt19937_64 random(11);
  int refusals = 0;
  for (int i = 0; i < 500; ++i) {
    Bytes bad = good;
    // A third of them in the head, whose pages decide about all others.
    const size_t place =
        i % 3 == 0 ? random() % 2 * page_bytes + random() % 160 : random() % good.size();
    const int bit = static_cast<int>(random() % 8);
    bad[place] = static_cast<char>(bad[place] ^ (1 << bit));
    write_file(repo.data, bad);
    const int status = open_and_use(repo);
    INFO("byte " << place << ", bit " << bit << ", status " << status);
    CHECK((exited_with(status, refused) || exited_with(status, harmless)));
    refusals += exited_with(status, refused) ? 1 : 0;
  }
  CHECK(refusals > 100);
  write_file(repo.data, good);
}

TEST_CASE("AnErrorOfTheWalkNamesFileAndPage") {
  const SmallRepo repo;
  Bytes bad = read_file(repo.data);
  size_t leaf = 0;
  each_page(bad, [&](size_t page) {
    const auto flags = load_at<uint16_t>(bad, page * page_bytes + 10);
    if (flags == branch_page) leaf = page;
  });
  REQUIRE(leaf != 0);
  bad[leaf * page_bytes + 10] = 0x40;
  write_file(repo.data, bad);
  try {
    Environment::open(repo.dir.path(), OpenMode::read_only);
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::corrupt);
    CHECK(std::string(error.what()).find("page " + std::to_string(leaf)) != std::string::npos);
    CHECK(std::string(error.what()).find(repo.data.string()) != std::string::npos);
  }
}

// The meta page of the last commit, and where it stands.
std::pair<MetaRecord, size_t> newest_meta(const Bytes& file) {
  const auto even = load_at<MetaRecord>(file, page_header_bytes);
  const auto odd = load_at<MetaRecord>(file, page_bytes + page_header_bytes);
  if (even.transaction > odd.transaction) return {even, page_header_bytes};
  return {odd, page_bytes + page_header_bytes};
}

// LMDB would take such a page for one that is in memory only, or need not be written.
TEST_CASE("APageWithAFlagThatIsForMemoryOnlyIsRefused") {
  const SmallRepo repo(60);
  const Bytes good = read_file(repo.data);
  int refusals = 0;
  each_page(good, [&](size_t page) {
    for (const uint16_t flag : {0x10, 0x80, 0x4000, 0x8000}) {
      Bytes bad = good;
      const size_t place = page * page_bytes + 10;
      const auto flags = static_cast<uint16_t>(load_at<uint16_t>(bad, place) ^ flag);
      std::memcpy(bad.data() + place, &flags, sizeof flags);
      write_file(repo.data, bad);
      const int status = open_and_use(repo);
      INFO("page " << page << ", flag " << flag << ", status " << status);
      CHECK((exited_with(status, refused) || exited_with(status, harmless)));
      refusals += exited_with(status, refused) ? 1 : 0;
    }
  });
  CHECK(refusals > 20);
  write_file(repo.data, good);
}

TEST_CASE("AHeadWithMorePagesThanAnyCommitLeavesIsRefusedBeforeRoomIsMadeForThem") {
  const SmallRepo repo;
  Bytes bad = read_file(repo.data);
  auto [meta, place] = newest_meta(bad);
  meta.map_bytes = uint64_t{1} << 46;
  meta.last_page = meta.map_bytes / page_bytes - 1;
  std::memcpy(bad.data() + place, &meta, sizeof meta);
  write_file(repo.data, bad);
  CHECK_THROWS_WITH(check_pages(RepoPaths(repo.dir.path()), false, true),
                    Catch::Matchers::Contains("sizes do not fit"));
}

// Its walk would need as much of the stack as the file says.
TEST_CASE("ATreeThatIsDeeperThanAnyIsRefusedBeforeItIsWalked") {
  const SmallRepo repo;
  Bytes bad = read_file(repo.data);
  auto [meta, place] = newest_meta(bad);
  constexpr uint16_t depth = 1000;
  uint64_t next = bad.size() / page_bytes;
  meta.trees[1].root = next;
  meta.trees[1].depth = depth;
  meta.last_page = next + depth;
  std::memcpy(bad.data() + place, &meta, sizeof meta);
  for (int level = 0; level < depth; ++level, ++next) {
    const uint16_t upper = page_bytes - 18, second = page_bytes - 10;
    const uint16_t header[] = {branch_page, page_header_bytes + 4, upper, upper, second};
    const auto low = static_cast<uint16_t>(next + 1);
    const uint16_t nodes[] = {low, 0, 0, 0, low, 0, 0, 1, 'k'};
    Bytes page(page_bytes, '\0');
    std::memcpy(page.data(), &next, sizeof next);
    std::memcpy(page.data() + 10, header, sizeof header);
    std::memcpy(page.data() + upper, nodes, sizeof nodes);
    bad += page;
  }
  write_file(repo.data, bad);
  CHECK_THROWS_WITH(check_pages(RepoPaths(repo.dir.path()), false, true),
                    Catch::Matchers::Contains("too deep"));
}

TEST_CASE("WhereTheNewestListOfTablesIsLostAnOlderOneIsNotTakenForIt") {
  const SmallRepo repo;
  Bytes bad = read_file(repo.data);
  const uint64_t root = newest_meta(bad).first.trees[1].root;
  bad[root * page_bytes + 10] = 0x40;
  // The counts of that state are lost as well: only the head knows that it was there.
  const RowCounts last = [&] {
    const Bytes key{ByteView(Key(MetaKind::row_counts))};
    const ByteView row = repo.rows.at({static_cast<unsigned>(Table::meta), key});
    for (size_t at = bad.find(row); at != Bytes::npos; at = bad.find(row, at + 1)) bad[at] ^= 1;
    return decode_row_counts(row);
  }();
  write_file(repo.data, bad);
  CHECK(last.transaction == newest_meta(bad).first.transaction);
  CHECK_FALSE(Salvage(RepoPaths(repo.dir.path())).tree_is_newest());
}

TEST_CASE("TheWholeTreeIsWalkedOnceAfterEachStartOfTheMachine") {
  const SmallRepo repo;
  const auto mark = repo.dir / ".aimlog/checked";
  Environment::open(repo.dir.path(), OpenMode::read_write);
  REQUIRE(std::filesystem::exists(mark));
  write_file(mark, "another start");
  Environment::open(repo.dir.path(), OpenMode::read_only);
  CHECK(read_file(mark) == "another start");
  Environment::open(repo.dir.path(), OpenMode::read_write);
  CHECK(read_file(mark) != "another start");
}

// Damage that comes while the file is open is met by LMDB's own asserts, which would abort.
TEST_CASE("AFailedAssertOfLmdbPoisonsAndDoesNotAbort") {
  const SmallRepo repo(400);
  const int status = run_in_child([&] {
    const auto env = Environment::open(repo.dir.path(), OpenMode::read_write);
    const Bytes file = read_file(repo.data);
    const UniqueFd fd(::open(repo.data.c_str(), O_RDWR | O_CLOEXEC));
    const uint16_t one_node = page_header_bytes + 2;
    int branches = 0;
    each_page(file, [&](size_t page) {
      if (load_at<uint16_t>(file, page * page_bytes + 10) != branch_page) return;
      const auto offset = static_cast<off_t>(page * page_bytes + 12);
      branches += pwrite(fd.get(), &one_node, sizeof one_node, offset) == 2 ? 1 : 0;
    });
    if (branches == 0) return 1;
    const auto is_corrupt = [](const auto& work) {
      try {
        work();
      } catch (const Error& error) {
        return error.code() == ErrorCode::corrupt;
      }
      return false;
    };
    const auto write = [&] {
      with_write_transaction(
          *env, [](WriteTransaction& txn) { txn.put(Table::runs, Key().add(7u), "seven"); });
    };
    const auto read = [&] { (void)Transaction(*env).get(Table::runs, Key().add(7u)); };
    if (!is_corrupt(write)) return 2;
    if (!is_corrupt(read) || !is_corrupt(write)) return 3;
    if (!is_corrupt([&] { env->reopen(); })) return 4;
    // Our lock is free although LMDB's own is held by this thread to its end.
    const UniqueFd lock(::open(env->paths().write_lock.c_str(), O_RDWR | O_CLOEXEC));
    return flock(lock.get(), LOCK_EX | LOCK_NB) == 0 ? 0 : 5;
  });
  CHECK(exited_with(status, 0));
}

}  // namespace aimlog::test

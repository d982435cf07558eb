// A row whose key is damaged is not found under it. Whoever looks for it is told so, and never that
// there is none.
#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

#include "plugin/store/environment.h"
#include "plugin/store/keys.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace aimlog::test {
namespace {

constexpr Table table = Table::params;
constexpr uint32_t rows_of_a_run = 3;
const std::vector<uint32_t> runs = {1, 2, 5, 0x10000000};

Key key_of(uint32_t run, uint32_t number) { return std::move(Key().add(run).add(number)); }

Bytes value_of(uint32_t run, uint32_t number) {
  return "row " + std::to_string(number) + " of run " + std::to_string(run);
}

// What `look` gives; none where it told of damage. Any other error is none of its business.
template <typename Look>
auto unless_told(const Look& look) -> std::optional<decltype(look())> {
  try {
    return look();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt) throw;
    return std::nullopt;
  }
}

// Looks for every row in each way. How often it was told of damage.
int look_for_all(const Transaction& txn) {
  int told = 0;
  const auto expect = [&](const auto& found, const auto& truth) {
    told += found ? 0 : 1;
    if (found) CHECK(*found == truth);
  };
  for (const uint32_t run : runs) {
    std::vector<Bytes> all;
    for (uint32_t number = 0; number < rows_of_a_run; ++number) {
      all.push_back(value_of(run, number));
      expect(
          unless_told([&] { return Bytes(txn.get(table, key_of(run, number)).value_or("none")); }),
          all.back());
    }
    expect(unless_told([&] {
             std::vector<Bytes> found;
             txn.scan(table, Key().add(run), {}, [&](ByteView, ByteView value) {
               found.emplace_back(value);
               return true;
             });
             return found;
           }),
           all);
    const auto last = unless_told([&] { return txn.last(table, Key().add(run)); });
    expect(last, std::optional(std::pair(Bytes{ByteView(key_of(run, 2))}, all.back())));
  }
  return told;
}

// Puts new rows behind all runs, which may part the damaged one from its place, and looks again.
int look_beside_new_rows(Environment& env) {
  WriteTransaction txn(env);
  int told = 0;
  for (const uint32_t run : runs) {
    const auto put = unless_told([&] {
      txn.put(table, key_of(run, rows_of_a_run), "new");
      txn.put(table, key_of(run + 0x100, 0), "new");
      return true;
    });
    told += put ? 0 : 1;
  }
  if (told > 0) return told;  // such a transaction is given up
  for (const uint32_t run : runs) {
    for (uint32_t number = 0; number < rows_of_a_run; ++number) {
      const auto found = unless_told([&] { return txn.get(table, key_of(run, number)); });
      if (found) CHECK(*found == value_of(run, number));
      told += found ? 0 : 1;
    }
  }
  return told;
}

}  // namespace

TEST_CASE("ARowUnderADamagedKeyIsNeverTakenForNone") {
  const TempDir dir;
  const std::filesystem::path data = dir / ".aimlog/data.mdb";
  with_write_transaction(*Environment::open(dir.path(), OpenMode::create),
                         [](WriteTransaction& txn) {
                           for (const uint32_t run : runs)
                             for (uint32_t number = 0; number < rows_of_a_run; ++number)
                               txn.put(table, key_of(run, number), value_of(run, number));
                         });
  std::ostringstream file;
  file << std::ifstream(data).rdbuf();
  const Bytes good = file.str();
  int refused = 0, told = 0;
  for (const uint32_t run : runs) {
    for (uint32_t number = 0; number < rows_of_a_run; ++number) {
      const Bytes key{ByteView(key_of(run, number))};
      const size_t place = good.find(key + value_of(run, number));
      REQUIRE(place != Bytes::npos);
      for (size_t bit = 0; bit < 8 * key.size(); ++bit) {
        Bytes bad = good;
        bad[place + bit / 8] = static_cast<char>(bad[place + bit / 8] ^ (1 << bit % 8));
        std::ofstream(data, std::ios::trunc) << bad;
        INFO("run " << run << ", row " << number << ", bit " << bit);
        const auto env =
            unless_told([&] { return Environment::open(dir.path(), OpenMode::read_write); });
        const int times = env ? look_for_all(Transaction(**env)) : 0;
        CHECK((!env || times > 0));
        CHECK((!env || look_for_all(WriteTransaction(**env)) == times));
        CHECK((!env || look_beside_new_rows(**env) > 0));
        refused += env ? 0 : 1;
        told += times > 0 ? 1 : 0;
      }
    }
  }
  // The order of keys gives away most of them, but not all.
  CHECK(refused > 100);
  CHECK(told > 100);
}

}  // namespace aimlog::test

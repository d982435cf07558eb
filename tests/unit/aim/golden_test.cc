// Our bytes beside those that Aim's own SDK wrote: golden/run.txt, made by
// tests/aim/make_golden.py.
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>

#include "cli/aim/aim_hash.h"
#include "cli/aim/database.h"
#include "cli/aim/md5.h"
#include "cli/aim/run.h"
#include "plugin/model/ids.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace aimlog::aim {
namespace {

using test::TempDir;

constexpr double start_s = 1795503600.25;

Value text(const char* value) { return Value{std::string(value)}; }
Value whole(int64_t value) { return Value{Number::of(value)}; }
Value real(double value) { return Value{Number::of(value)}; }
Number i(int64_t value) { return Number::of(value); }
Number d(double value) { return Number::of(value); }

struct Golden {
  Tree meta, seqs;
  std::vector<int64_t> hashes;
  std::vector<std::pair<double, int64_t>> doubles;
};

Bytes from_hex(const std::string& hex) {
  Bytes bytes;
  for (size_t at = 0; at + 1 < hex.size(); at += 2)
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(at, 2), nullptr, 16)));
  return bytes;
}

Golden read_golden() {
  Golden golden;
  std::ifstream file(GOLDEN_DIRECTORY "/run.txt");
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string kind, key, value;
    words >> kind >> key >> value;
    if (kind == "meta") golden.meta[from_hex(key)] = from_hex(value);
    if (kind == "seqs") golden.seqs[from_hex(key)] = from_hex(value);
    if (kind == "hash") golden.hashes.push_back(std::stoll(value));
    if (kind == "double")
      golden.doubles.emplace_back(std::bit_cast<double>(std::stoull(key, nullptr, 16)),
                                  std::stoll(value));
  }
  return golden;
}

AimPoint at(int64_t step, Number value, Number epoch = {}) {
  const int64_t offset = (step % 1000 + 1000) % 1000;  // as Python's %
  return {step, start_s + static_cast<double>(offset), epoch, value};
}

AimRun made_run() {
  constexpr double inf = std::numeric_limits<double>::infinity();
  AimRun run;
  run.hash = "00112233445566778899aabb";
  run.end_time_s = start_s + 100;
  const ValueList list = {whole(1), text("x"), Value{ValueMap{{"q", whole(2)}}}};
  run.params = {{"hparams", Value{ValueMap{{"lr", real(0.01)},
                                           {"a/b", whole(3)},
                                           {"n", Value{}},
                                           {"l", Value{list}},
                                           {"e", Value{ValueMap{}}},
                                           {"el", Value{ValueList{}}}}}},
                {"trial_id", text("t1")},
                {"flag", Value{Number::of(true)}},
                {"text", text("\xc3\xa9t\xc3\xa9")},
                {"big", whole(INT64_MIN)}};
  const ValueMap val = {{"subset", text("val")}};
  const ValueMap train = {{"subset", text("train")}, {"fold", whole(3)}};
  const ValueList deep = {whole(1), Value{}, Value{Number::of(true)}, real(1.5)};
  run.series = {
      {"loss", {}, {at(1, d(1)), at(2, d(0.5)), at(3, d(0.25)), at(255, d(-0.0))}},
      {"acc",
       val,
       {at(1, i(1), i(1)), at(2, i(2), i(2)), at(3, i(3), i(3)), at(4, d(0.5), d(3.5))}},
      {"acc", train, {at(0, i(7))}},
      {"nan", {}, {at(4, d(std::nan("")))}},
      {"later_nan", {}, {at(4, d(2)), at(5, d(std::nan(""))), at(6, d(inf)), at(7, d(-inf))}},
      {"done", {}, {at(4, Number::of(true)), at(2, Number::of(true)), at(4, i(5))}},
      {"back", {}, {at(5, d(1)), at(3, d(9)), at(5, d(-2)), at(6, d(3))}},
      {"negative", {}, {at(-5, d(1)), at(-3, i(2)), at(-4, d(1.5))}},
      {"rising", {}, {at(-2, i(1)), at(-1, d(0.5)), at(0, i(2)), at(1, d(3.5))}},
      {"deep",
       {{"a", Value{ValueMap{{"b", Value{deep}}}}}},
       {at(INT64_C(1) << 53, i((INT64_C(1) << 53) + 1)), at(7, i(INT64_MAX))}},
  };
  return run;
}

std::string printable(const Bytes& bytes) {
  return to_hex(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

void check_equal(const Tree& ours, const Tree& aims) {
  for (const auto& [key, value] : aims) {
    INFO("Aim has " << key);
    REQUIRE(ours.count(key) == 1);
    CHECK(printable(ours.at(key)) == printable(value));
  }
  for (const auto& [key, value] : ours) {
    INFO("we have " << key);
    CHECK(aims.count(key) == 1);
  }
}

Tree points_tree(const AimRun& run) {
  Tree tree;
  Bytes last;
  each_point_key(run.hash, place_series(run.series), [&](ByteView key, ByteView value) {
    CHECK(key > last);
    last = key;
    tree.emplace(key, value);
  });
  return tree;
}

}  // namespace

TEST_CASE("ARunsTreesAreByteForByteWhatAimWrites") {
  const Golden golden = read_golden();
  REQUIRE(golden.meta.size() > 140);
  REQUIRE(golden.seqs.size() > 140);
  const AimRun run = made_run();
  check_equal(meta_tree(run, place_series(run.series)), golden.meta);
  check_equal(points_tree(run), golden.seqs);
}

TEST_CASE("TheDatabaseHoldsWhatWasPutIn") {
  const TempDir directory;
  const AimRun run = made_run();
  const Tree tree = points_tree(run);
  build_database(directory.path() / "seqs", tree);
  CHECK(DatabaseReader(directory.path() / "seqs").read_all() == tree);
  CHECK_FALSE(is_database_in_use(directory.path() / "seqs"));
}

TEST_CASE("ALaterTableOfADatabaseWins") {
  const TempDir directory;
  DatabaseBuilder builder(directory.path() / "index");
  for (const char* key : {"b", "d", "a", "b", "c"}) builder.put(key, key);
  builder.put("a", "newest");
  builder.finish();
  const Tree tree = DatabaseReader(directory.path() / "index").read_all();
  CHECK(tree == Tree{{"a", "newest"}, {"b", "b"}, {"c", "c"}, {"d", "d"}});
}

TEST_CASE("HashesAreAims") {
  const Golden golden = read_golden();
  const auto list = [](ValueList items) { return Value{std::move(items)}; };
  const auto map = [](ValueMap items) { return Value{std::move(items)}; };
  const std::vector<Value> values = {
      Value{},
      whole(0),
      whole(1),
      whole(-1),
      whole(10),
      real(1.5),
      real(-0.0),
      whole((INT64_C(1) << 53) + 1),
      Value{Number::of(true)},
      text(""),
      text("subset"),
      text("\xc3\xa9"),
      map({}),
      list({}),
      list({whole(1), list({whole(2)})}),
      map({{"subset", text("val")}}),
      map({{"a", whole(1)},
           {"b", map({{"c", list({Value{}, Value{Number::of(true)}, real(2.5)})}})}}),
      map({{"z", text("x")}, {"a", real(1e300)}})};
  REQUIRE(golden.hashes.size() == values.size());
  for (size_t at = 0; at < values.size(); ++at) {
    INFO("value " << at);
    CHECK(hash_value(values[at]) == golden.hashes[at]);
  }
  REQUIRE(golden.doubles.size() == 300);
  for (const auto& [number, hash] : golden.doubles) CHECK(hash_number(number) == hash);
}

TEST_CASE("Md5IsTheStandards") {
  CHECK(md5_hex("") == "d41d8cd98f00b204e9800998ecf8427e");
  CHECK(md5_hex("abc") == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(md5_hex(std::string(1000, 'a')) == "cabe45dcc9ae5b66ba86600cca6b8ba8");
}

}  // namespace aimlog::aim

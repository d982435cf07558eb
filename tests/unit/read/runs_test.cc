#include <cmath>

#include "plugin/read/names.h"
#include "plugin/read/open_repo.h"
#include "plugin/read/run_json.h"
#include "plugin/read/runs_table.h"
#include "tests/support/catch.h"
#include "tests/unit/read/arrow_rows.h"
#include "tests/unit/read/made_repo.h"

namespace aimlog::test {
namespace {

Value real(double value) { return Value{Number::of(value)}; }
Value whole(int64_t value) { return Value{Number::of(value)}; }

ArrowTable runs(const MadeRepo& repo, const std::string& run = "", bool with_metrics = true) {
  return read_stream(single_batch(runs_table(*repo.environment, run, with_metrics)));
}

TEST_CASE("ARepoWithoutRunsHasTheFixedColumns", "[read]") {
  const MadeRepo repo;
  const ArrowTable table = runs(repo);
  CHECK(table.rows.empty());
  CHECK(table.names.front() == "id");
  CHECK(table.names.back() == "last_step");
  CHECK(table.formats.at("created") == "tsn:UTC");
}

TEST_CASE("ParamsHaveTheTypeThatHoldsAllOfThem", "[read]") {
  MadeRepo repo;
  const ValueMap nested = {{"depth", whole(3)}};
  repo.add("a", 1,
           {{"lr", real(0.5)},
            {"n", whole(1)},
            {"mix", whole(1)},
            {"odd", whole(1)},
            {"flag", Value{Number::of(true)}},
            {"model", Value{nested}},
            {"layers", Value{ValueList{whole(1), real(2)}}}});
  repo.add(
      "b", 1,
      {{"lr", real(INFINITY)}, {"n", whole(INT64_MAX)}, {"mix", real(0.25)}, {"odd", word("x")}});
  const ArrowTable table = runs(repo);
  REQUIRE(table.rows.size() == 2);
  CHECK(table.formats.at("params.lr") == "g");
  CHECK(table.rows[1].at("params.lr") == "inf");
  CHECK(table.formats.at("params.n") == "l");
  CHECK(table.rows[1].at("params.n") == std::to_string(INT64_MAX));
  CHECK(table.formats.at("params.mix") == "g");
  CHECK(table.formats.at("params.odd") == "u");
  CHECK(table.rows[0].at("params.odd") == "1");
  CHECK(table.formats.at("params.flag") == "b");
  CHECK(table.rows[1].at("params.flag") == "null");
  CHECK(table.rows[0].at("params.model/depth") == "3");
  CHECK(table.rows[0].at("params.layers") == "[1,2.0]");
}

TEST_CASE("WholeNumbersOfBothKindsStayExact", "[read]") {
  MadeRepo repo;
  repo.add("a", 1, {{"n", whole(1)}, {"m", whole(-1)}});
  repo.add("b", 1, {{"n", Value{Number::of(UINT64_MAX)}}, {"m", Value{Number::of(UINT64_MAX)}}});
  const ArrowTable table = runs(repo);
  CHECK(table.formats.at("params.n") == "L");
  CHECK(table.rows[1].at("params.n") == std::to_string(UINT64_MAX));
  CHECK(table.formats.at("params.m") == "g");
}

TEST_CASE("MetricsAreSummedUpAsTheCommandDoes", "[read]") {
  MadeRepo repo;
  const Bytes val = encoded(Value{ValueMap{{"subset", word("val")}}});
  const RunNumber run = repo.add("a", 2);
  repo.put_sealed(run, "loss",
                  {{1, 1, 1, 1, Number::of(4.0)}, {1, 1, 2, 2, Number::of(std::nan(""))}});
  // The second attempt goes back: the first one's last step is replaced.
  repo.put_unsealed(run, "loss",
                    {{2, 1, 3, 2, Number::of(1.0)}, {2, 1, 4, 3, Number::of(INFINITY)}});
  repo.put_unsealed(run, "loss", {{1, 2, 1, 9, Number::of(int64_t{2})}}, val);
  repo.add("b", 1);
  const ArrowTable table = runs(repo);
  const ArrowRow& row = table.rows[0];
  CHECK(row.at("loss.first") == "4");
  CHECK(row.at("loss.last") == "inf");
  CHECK(row.at("loss.min") == "1");
  CHECK(row.at("loss.mean") == "2.5");
  CHECK(row.at("loss.count") == "3");
  CHECK(row.at("loss{subset=val}.max") == "2");
  CHECK(table.formats.at("loss{subset=val}.max") == "l");
  CHECK(row.at("last_step") == "9");
  CHECK(table.rows[1].at("loss.count") == "null");
  CHECK(row.at("started") == "1001");
  CHECK(row.at("ended") == "null");
  CHECK(row.at("tags") == "[a;b;]");
  CHECK(row.at("experiment") == "search");
  CHECK(runs(repo, "a", false).formats.count("loss.last") == 0);
}

TEST_CASE("AWordNamesOneRunOrSaysWhyNot", "[read]") {
  MadeRepo repo;
  for (int i = 0; i < 17; ++i) repo.add("trial_" + std::to_string(i), 1);
  const auto id_of = [&](const std::string& word) { return runs(repo, word).rows.at(0).at("id"); };
  CHECK(id_of("trial_3") == make_run_id({1}, "trial_3").hex());
  CHECK(id_of(make_run_id({1}, "trial_4").hex().substr(0, 12)) ==
        make_run_id({1}, "trial_4").hex());
  CHECK(id_of("last") == make_run_id({1}, "trial_16").hex());
  CHECK(id_of("@2") == make_run_id({1}, "trial_15").hex());
  CHECK_THROWS_WITH(runs(repo, "@18"), Catch::Contains("newest of 17"));
  CHECK_THROWS_WITH(runs(repo, "trial3"), Catch::Contains("did you mean 'trial_3'?"));
  // Of 17 ids two begin with the same digit.
  bool ambiguous = false;
  for (const char digit : std::string("0123456789abcdef")) {
    try {
      runs(repo, std::string(1, digit));
    } catch (const LookupError& error) {
      ambiguous = ambiguous || error.ambiguous();
    }
  }
  CHECK(ambiguous);
}

TEST_CASE("ARunsJsonKeepsEveryNumber", "[read]") {
  MadeRepo repo;
  repo.add("a", 1,
           {{"lr", real(1)},
            {"n", whole(1)},
            {"bad", real(std::nan(""))},
            {"text", word("\"\n")},
            {"model", Value{ValueMap{{"depth", whole(3)}}}}});
  const std::string json = run_json(*repo.environment, "a");
  CHECK(json.find("\"params\":{\"lr\":1.0,\"n\":1,\"bad\":NaN,\"text\":\"\\\"\\u000a\","
                  "\"model\":{\"depth\":3}}") != std::string::npos);
  CHECK(json.find("\"experiment\":\"search\"") != std::string::npos);
}

TEST_CASE("OnlyARepoIsOpened", "[read]") {
  const TempDir empty;
  CHECK_THROWS_AS(open_to_read(empty.path()), LookupError);
  const MadeRepo repo;
  CHECK(open_to_read(repo.directory.path()).environment == repo.environment);
  CHECK(open_to_read(repo.directory / ".aimlog").environment == repo.environment);
  CHECK(open_to_read(repo.directory / ".aimlog/").remark.empty());
}

TEST_CASE("AChildOfABatchMayOutliveIt", "[read]") {
  MadeRepo repo;
  repo.add("a", 1);
  ArrowArray batch;
  export_array(runs_table(*repo.environment, "", false), batch);
  ArrowArray id = *batch.children[0];
  batch.children[0]->release = nullptr;  // moved out, as the interface allows
  batch.release(&batch);
  CHECK(batch.release == nullptr);
  CHECK(std::string(static_cast<const char*>(id.buffers[2]), 24) == make_run_id({1}, "a").hex());
  id.release(&id);
  CHECK(id.release == nullptr);
}

}  // namespace
}  // namespace aimlog::test

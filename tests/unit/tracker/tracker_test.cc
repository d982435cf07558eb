#include "plugin/tracker/tracker.h"

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "plugin/model/value.h"
#include "tests/support/catch.h"
#include "tests/unit/tracker/tracking_ring.h"

namespace aimlog::test {
namespace {

ResultView decode(const ResultEvent& event) {
  ResultView view;
  decode_result(event.result, view);
  return view;
}

std::vector<std::string> names_of(TrackingRing& tracking) {
  return tracking.events_of<ShapeEvent>().at(0).names;
}

TEST_CASE("TheFirstRecordOfARingIsItsSession") {
  TrackingRing tracking;
  tuner::ResultBuilder result;
  result.clear();
  result.add("loss", 0.5);
  CHECK(tracking.report(result.root()) == WriteOutcome::ok);
  const std::vector<Event> events = tracking.events();
  REQUIRE(events.size() == 4);
  CHECK(std::get<SessionEvent>(events[0]).experiment == "default");
  CHECK(std::get<TrialEvent>(events[1]).id == "t1");
  CHECK(std::get<ShapeEvent>(events[2]).names == std::vector<std::string>{"loss"});
  CHECK(decode(std::get<ResultEvent>(events[3])).numbers.at(0) == Number::of(0.5));
}

TEST_CASE("NestedMapsAreJoinedAndKeepTheirTypes") {
  TrackingRing tracking;
  tuner::ResultBuilder b;
  b.clear();
  b.add("loss", 0.25);
  b.begin_map("eval");
  b.add("count", int64_t{-3});
  b.begin_map("deep");
  b.add("big", std::numeric_limits<uint64_t>::max());
  b.end();
  b.begin_map("empty");
  b.end();
  b.end();
  b.add("done", true);
  b.add("note", "hello");
  b.add("nothing", nullptr);
  tracking.report(b.root());
  CHECK(names_of(tracking) ==
        std::vector<std::string>{"loss", "eval/count", "eval/deep/big", "done", "note", "nothing"});
  const ResultView view = decode(tracking.events_of<ResultEvent>().at(0));
  CHECK(view.numbers[1] == Number::of(int64_t{-3}));
  CHECK(view.numbers[2] == Number::of(std::numeric_limits<uint64_t>::max()));
  CHECK(view.numbers[3] == Number::of(true));
  CHECK(*decode_value(view.objects[4]).text() == "hello");
  CHECK(decode_value(view.objects[5]).is_null());
}

TEST_CASE("SpecialDoublesArriveBitForBit") {
  const double value =
      GENERATE(std::nan("7"), -std::nan(""), INFINITY, -INFINITY, -0.0, 5e-324, 9007199254740993.0);
  TrackingRing tracking;
  tuner::ResultBuilder b;
  b.clear();
  b.add("x", value);
  tracking.report(b.root());
  CHECK(decode(tracking.events_of<ResultEvent>().at(0)).numbers.at(0) == Number::of(value));
}

TEST_CASE("TheStepComesFromTimestepsElseIterationElseTheCount") {
  struct Row {
    bool has_timesteps;
    int64_t timesteps;
    bool has_iteration;
    int64_t iteration;
    bool counted;
    int64_t step;
  };
  const Row row = GENERATE(Row{true, 640, true, 5, false, 640}, Row{true, 0, true, 5, false, 5},
                           Row{false, 0, true, 0, false, 0}, Row{true, 0, false, 0, true, 0},
                           Row{false, 0, false, 0, true, 0}, Row{true, -7, true, 5, false, -7});
  TrackingRing tracking;
  tuner::ResultBuilder b;
  b.clear();
  if (row.has_timesteps) b.add("timesteps_total", row.timesteps);
  if (row.has_iteration) b.add("training_iteration", row.iteration);
  b.add("loss", 1.0);
  tracking.report(b.root());
  const ResultView view = decode(tracking.events_of<ResultEvent>().at(0));
  CHECK(view.step_is_count == row.counted);
  CHECK(view.step == row.step);
}

TEST_CASE("ContextAndEpochApplyToTheWholeResult") {
  Config config;
  config.context_and_epoch = GENERATE(true, false);
  TrackingRing tracking(config);
  tuner::ResultBuilder b;
  b.clear();
  b.begin_map("context");
  b.add("subset", "val");
  b.end();
  b.add("epoch", int64_t{4});
  b.add("loss", 1.0);
  tracking.report(b.root());
  const ShapeEvent shape = tracking.events_of<ShapeEvent>().at(0);
  const ResultView view = decode(tracking.events_of<ResultEvent>().at(0));
  if (config.context_and_epoch) {
    CHECK(shape.names == std::vector<std::string>{"loss"});
    CHECK(decode_value(shape.context).map()->at(0).first == "subset");
    CHECK(view.epoch == Number::of(int64_t{4}));
  } else {
    CHECK(shape.names == std::vector<std::string>{"context/subset", "epoch", "loss"});
    CHECK(shape.context.empty());
    CHECK_FALSE(view.epoch.exists());
  }
}

TEST_CASE("AContextThatIsNoMapAndAnEpochThatIsNoNumberAreOrdinaryValues") {
  TrackingRing tracking;
  tuner::ResultBuilder b;
  for (int i = 0; i < 2; ++i) {
    b.clear();
    b.add("context", "val");
    // The second result has the same keys, but now the epoch is one: another shape.
    if (i == 0) {
      b.add("epoch", "first");
    } else {
      b.add("epoch", 1.5);
    }
    tracking.report(b.root());
  }
  const auto shapes = tracking.events_of<ShapeEvent>();
  REQUIRE(shapes.size() == 2);
  CHECK(shapes[0].names == std::vector<std::string>{"context", "epoch"});
  CHECK(shapes[1].names == std::vector<std::string>{"context"});
  CHECK(decode(tracking.events_of<ResultEvent>().at(1)).epoch == Number::of(1.5));
}

TEST_CASE("ReservedKeysAreNoMetricsAtTheTopLevelOnly") {
  TrackingRing tracking;
  const tuner_string reserved[] = {borrow("pid"), borrow("config")};
  tuner_setup_event setup{};
  setup.size = sizeof setup;
  setup.reserved_keys = reserved;
  setup.reserved_key_count = 2;
  tracking.tracker.setup(setup);
  tuner::ResultBuilder b;
  b.clear();
  b.add("pid", int64_t{1});
  b.begin_map("config");
  b.add("lr", 0.1);
  b.end();
  b.begin_map("nested");
  b.add("pid", int64_t{2});
  b.end();
  tracking.report(b.root());
  CHECK(names_of(tracking) == std::vector<std::string>{"nested/pid"});
}

TEST_CASE("OfEqualNamesTheDeeperWinsElseTheLater") {
  TrackingRing tracking;
  tuner::ResultBuilder b;
  b.clear();
  b.begin_map("a");
  b.add("b", int64_t{1});
  b.end();
  b.add("a/b", int64_t{2});
  b.add("x", int64_t{3});
  b.add("x", int64_t{4});
  tracking.report(b.root());
  CHECK(names_of(tracking) == std::vector<std::string>{"a/b", "x"});
  const ResultView view = decode(tracking.events_of<ResultEvent>().at(0));
  CHECK(view.numbers[0] == Number::of(int64_t{1}));
  CHECK(view.numbers[1] == Number::of(int64_t{4}));
  CHECK(tracking.tracker.counters().keys_duplicated == 2);
}

TEST_CASE("ATreeThatIsTooDeepLosesItsDepthsAndSaysSo") {
  TrackingRing tracking;
  std::vector<tuner_entry> entries(200);
  for (size_t i = 0; i < entries.size(); ++i) {
    entries[i].key = borrow("k");
    entries[i].value = {};
    entries[i].value.tag = i + 1 < entries.size() ? TUNER_TAG_MAP : TUNER_TAG_BOOL;
    if (i + 1 < entries.size()) entries[i].value.as.map = {&entries[i + 1], 1};
  }
  tuner_value root{};
  root.tag = TUNER_TAG_MAP;
  root.as.map = {entries.data(), 1};
  CHECK(tracking.report(root) == WriteOutcome::ok);
  CHECK(tracking.tracker.counters().values_skipped == 1);
  CHECK(tracking.report(root) == WriteOutcome::ok);
  CHECK(tracking.tracker.counters().values_skipped == 2);
}

TEST_CASE("BadTextsAreMendedAndUnknownTagsSkipped") {
  TrackingRing tracking;
  tuner_entry entries[2]{};
  entries[0].key = borrow("bad\xff");
  entries[0].value.tag = TUNER_TAG_STRING;
  entries[0].value.as.string = borrow("also \xc3");
  entries[1].key = borrow("odd");
  entries[1].value.tag = 77;
  tuner_value root{};
  root.tag = TUNER_TAG_MAP;
  root.as.map = {entries, 2};
  CHECK(tracking.report(root) == WriteOutcome::ok);
  CHECK(names_of(tracking) == std::vector<std::string>{"bad\xef\xbf\xbd"});
  const ResultView view = decode(tracking.events_of<ResultEvent>().at(0));
  CHECK(*decode_value(view.objects.at(0)).text() == "also \xef\xbf\xbd");
  CHECK(tracking.tracker.counters().texts_repaired == 2);
  CHECK(tracking.tracker.counters().values_skipped == 1);
  CHECK(tracking.report(root) == WriteOutcome::ok);
  CHECK(tracking.tracker.counters().texts_repaired == 4);
}

TEST_CASE("ABadTextInAContextIsCountedOnceAResult") {
  TrackingRing tracking;
  tuner::ResultBuilder builder;
  const auto report = [&](const char* subset) {
    builder.clear();
    builder.begin_map("context");
    builder.add("subset", subset);
    builder.end();
    builder.add("loss", 1.0);
    CHECK(tracking.report(builder.root()) == WriteOutcome::ok);
  };
  for (int i = 0; i < 50; ++i) {
    report("bad\xff");
    report("good");
    report("also \xc3");
  }
  CHECK(tracking.tracker.counters().texts_repaired == 100);
}

TEST_CASE("TheFilterDecidesWhatIsRecorded") {
  Config config;
  config.metrics = std::vector<std::string>{"val/*", "!val/secret", "loss"};
  TrackingRing tracking(config);
  tuner::ResultBuilder b;
  b.clear();
  b.add("loss", 1.0);
  b.add("lr", 0.1);
  b.begin_map("val");
  b.add("loss", 2.0);
  b.add("secret", 3.0);
  b.end();
  tracking.report(b.root());
  CHECK(names_of(tracking) == std::vector<std::string>{"loss", "val/loss"});
}

TEST_CASE("RandomResultsWarmOrColdAreEncodedTheSame") {
  // One tracker sees each shape again and again, the others see it once: both must write the same
  // bytes.
  std::mt19937 random(20260824);
  TrackingRing warm;
  tuner::ResultBuilder b;
  for (int round = 0; round < 200; ++round) {
    b.clear();
    const unsigned keys = random() % 6;
    for (unsigned k = 0; k < keys; ++k) {
      const std::string key = "k" + std::to_string(random() % 4);
      switch (random() % 6) {
        case 0:
          b.add(key, static_cast<int64_t>(random()));
          break;
        case 1:
          b.add(key, 1.0 / (1 + random() % 9));
          break;
        case 2:
          b.add(key, random() % 2 == 0);
          break;
        case 3:
          b.add(key, std::string(random() % 20, 'x'));
          break;
        case 4:
          b.begin_map(key);
          b.add("inner", static_cast<uint64_t>(random()));
          b.end();
          break;
        default:
          b.begin_list(key);
          b.push(static_cast<int64_t>(random() % 3));
          b.push("text");
          b.end();
      }
    }
    if (random() % 3 == 0) {
      b.begin_map("context");
      b.add("subset", random() % 2 == 0 ? "train" : "val");
      b.end();
    }
    TrackingRing cold({}, 1 << 16);
    cold.report(b.root());
    warm.report(b.root());
    const ResultEvent once = cold.events_of<ResultEvent>().at(0);
    const auto all = warm.events_of<ResultEvent>();
    REQUIRE(all.size() == static_cast<size_t>(round) + 1);
    REQUIRE(all.back().shape == once.shape);
    REQUIRE(all.back().result == once.result);
    warm.payloads.clear();
  }
  CHECK(warm.tracker.counters().shapes_built < 200);
}

TEST_CASE("AFullRingDropsWithinTheBoundAndRecordsTheGap") {
  Config config;
  config.full_wait_ms = 20;
  TrackingRing tracking(config, ring_bytes_min);
  tuner::ResultBuilder b;
  b.clear();
  b.add("text", std::string(4000, 'x'));
  int dropped = 0;
  for (int i = 0; i < 40; ++i)
    dropped += tracking.report(b.root()) == WriteOutcome::dropped ? 1 : 0;
  CHECK(dropped > 10);
  CHECK(tracking.tracker.counters().waits == 1);
  CHECK(tracking.tracker.counters().events_dropped == static_cast<uint64_t>(dropped));
  // A kill now would not hide that there were drops, nor half of them.
  const auto recorded = [&] {
    uint64_t results = 0;
    for (const GapEvent& gap : tracking.events_of<GapEvent>()) results += gap.results;
    return results;
  };
  CHECK(recorded() > static_cast<uint64_t>(dropped / 2));
  CHECK(tracking.events_of<GapEvent>().size() == std::bit_width(static_cast<unsigned>(dropped)));
  // Life-cycle events have room of their own.
  tuner_trial_end_event end{};
  end.size = sizeof end;
  end.trial_id = borrow("t1");
  CHECK(tracking.tracker.complete(end) == WriteOutcome::ok);
  CHECK(recorded() == static_cast<uint64_t>(dropped));
  for (const GapEvent& gap : tracking.events_of<GapEvent>()) {
    CHECK(gap.others == 0);
    CHECK((gap.first_ns > 0 && gap.first_ns <= gap.last_ns));
  }
}

TEST_CASE("AResultThatIsTooLargeIsCutAndCounted") {
  TrackingRing tracking({}, ring_bytes_min);
  tuner::ResultBuilder b;
  b.clear();
  for (int i = 0; i < 5000; ++i) b.add("metric" + std::to_string(i), 1.0);
  CHECK(tracking.report(b.root()) == WriteOutcome::ok);
  CHECK(tracking.tracker.counters().values_cut > 0);
  const size_t kept = names_of(tracking).size();
  CHECK(kept + tracking.tracker.counters().values_cut == 5000);
}

TEST_CASE("NothingOfATrialStaysAfterItsEnd") {
  TrackingRing tracking({}, 8 << 20);
  tuner::ResultBuilder b;
  b.clear();
  b.add("loss", 1.0);
  for (int i = 0; i < 1000; ++i) {
    const std::string id = "trial" + std::to_string(i);
    tracking.report(b.root(), id);
    tuner_trial_end_event end{};
    end.size = sizeof end;
    end.trial_id = borrow(id);
    tracking.tracker.complete(end);
  }
  CHECK(tracking.tracker.live_trials() == 0);
}

TEST_CASE("AStateComesBackAsItWasAndDamageIsRefused") {
  TrackingRing first;
  const Bytes state = first.tracker.state();
  TrackingRing second;
  for (size_t length = 0; length < state.size(); ++length) {
    REQUIRE_THROWS_AS(second.tracker.set_state(state.substr(0, length)), Error);
  }
  for (size_t i = 0; i < state.size(); ++i) {
    Bytes damaged = state;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    REQUIRE_THROWS_AS(second.tracker.set_state(damaged), Error);
  }
  second.tracker.set_state(state);
  CHECK(second.tracker.state() == state);
  tuner::ResultBuilder b;
  b.clear();
  b.add("loss", 1.0);
  second.report(b.root());
  CHECK(second.events_of<SessionEvent>().at(0).token_from_state);
  CHECK_THROWS_AS(second.tracker.set_state(state), Error);
}

}  // namespace
}  // namespace aimlog::test

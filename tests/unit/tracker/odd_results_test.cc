// Results that no sane host gives, and that the contract allows.
#include "plugin/model/value.h"
#include "tests/support/catch.h"
#include "tests/unit/tracker/tracking_ring.h"

namespace aimlog::test {
namespace {

TEST_CASE("OfTwoContextsTheLastCounts") {
  TrackingRing tracking;
  tuner::ResultBuilder b;
  for (int warm = 0; warm < 3; ++warm) {
    b.clear();
    for (const char* subset : {"train", "val"}) {
      b.begin_map("context");
      b.add("subset", subset);
      b.end();
    }
    b.add("loss", 1.0);
    CHECK(tracking.report(b.root()) == WriteOutcome::ok);
  }
  const auto shapes = tracking.events_of<ShapeEvent>();
  REQUIRE(shapes.size() == 1);
  CHECK(*decode_value(shapes[0].context).map()->at(0).second.text() == "val");
  CHECK(tracking.tracker.counters().keys_duplicated == 3);
}

TEST_CASE("AKeyWhosePointerIsNullIsEmptyWhateverItsLength") {
  TrackingRing tracking;
  tuner_entry entry{};
  entry.value.tag = TUNER_TAG_DOUBLE;
  tuner_value root{};
  root.tag = TUNER_TAG_MAP;
  root.as.map = {&entry, 1};
  for (const uint64_t length : {uint64_t{5}, uint64_t{0}, uint64_t{5}, UINT64_MAX}) {
    entry.key = {nullptr, length};
    CHECK(tracking.report(root) == WriteOutcome::ok);
  }
  // A shape with a key of that length is known: its bytes must not be looked for at NULL.
  entry.key = borrow("seven77");
  CHECK(tracking.report(root) == WriteOutcome::ok);
  entry.key = {nullptr, 7};
  CHECK(tracking.report(root) == WriteOutcome::ok);
  const auto shapes = tracking.events_of<ShapeEvent>();
  REQUIRE(shapes.size() == 2);
  CHECK(shapes[0].names == std::vector<std::string>{""});
}

}  // namespace
}  // namespace aimlog::test

// Rings that stay full: what is dropped is in the ring's own count.
#include "tests/support/catch.h"
#include "tests/unit/tracker/tracking_ring.h"

namespace aimlog::test {
namespace {

uint64_t recorded_drops(TrackingRing& tracking) {
  uint64_t drops = 0;
  for (const GapEvent& gap : tracking.events_of<GapEvent>()) drops += gap.results + gap.others;
  return drops;
}

TEST_CASE("GapRecordsOfALongDroughtLeaveTheReserveToLifeCycleEvents") {
  Config config;
  config.full_wait_ms = 0;
  TrackingRing tracking(config, ring_bytes_min);
  tuner::ResultBuilder result;
  result.clear();
  result.add("loss", 0.5);
  while (tracking.report(result.root()) == WriteOutcome::ok) {
  }
  const uint64_t used = tracking.ring->used_bytes();
  constexpr uint64_t more = 300000;
  for (uint64_t i = 0; i < more; ++i) tracking.report(result.root());
  CHECK(tracking.ring->used_bytes() - used < ring_bytes_min / 8 / 4);
  CHECK(recorded_drops(tracking) > more / 2);
  CHECK(recorded_drops(tracking) <= more + 1);
  tracking.tracker.close();
  CHECK(tracking.events_of<CloseEvent>().size() == 1);
  CHECK(recorded_drops(tracking) == more + 1);
}

}  // namespace
}  // namespace aimlog::test

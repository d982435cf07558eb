// Rings that stay full and rings that cannot be written: no hook waits for what cannot come, and
// what is dropped is in the ring's own count.
#include "plugin/base/clock.h"
#include "tests/support/catch.h"
#include "tests/support/faulty_file.h"
#include "tests/unit/tracker/tracking_ring.h"

namespace aimlog::test {
namespace {

Config blocking() {
  Config config;
  config.on_full = OnFull::block;
  config.full_wait_ms = 20;
  return config;
}

uint64_t recorded_drops(TrackingRing& tracking) {
  uint64_t drops = 0;
  for (const GapEvent& gap : tracking.events_of<GapEvent>()) drops += gap.results + gap.others;
  return drops;
}

TEST_CASE("AJournalThatCannotBeWrittenIsNotWaitedFor") {
  FaultyFile file;
  file.pretend_copy_on_write();
  TrackingRing tracking(blocking(), ring_bytes_min);
  REQUIRE(tracking.ring->uses_write_calls());
  REQUIRE(tracking.report_loss() == WriteOutcome::ok);
  file.limit_writes(0);
  for (int i = 0; i < 3; ++i) CHECK(tracking.report_loss() == WriteOutcome::dropped);
  CHECK(tracking.tracker.counters().waits == 0);
  SECTION("nor is it at the end") {
    tracking.tracker.close();
    CHECK(tracking.events_of<CloseEvent>().empty());
    CHECK(tracking.tracker.counters().waits == 0);
  }
  SECTION("and is written on when it can be") {
    file.limit_writes(1 << 20);
    CHECK(tracking.report_loss() == WriteOutcome::ok);
    CHECK(recorded_drops(tracking) == 3);
    tracking.tracker.close();
    CHECK(tracking.events_of<CloseEvent>().size() == 1);
  }
}

TEST_CASE("AnEndWithinBoundsWhateverTheHostChose") {
  TrackingRing tracking(blocking(), ring_bytes_min);
  REQUIRE(tracking.report_loss() == WriteOutcome::ok);
  for (const uint32_t bytes : {1000, 1}) {
    while (tracking.ring->writer().reserve(bytes, RingRoom::reserved) != nullptr) {
      tracking.ring->writer().publish(static_cast<uint16_t>(EventType::close), bytes);
    }
  }
  tracking.tracker.close();
  CHECK(tracking.tracker.counters().waits == 1);
}

TEST_CASE("AStoreThatFailsIsNotWaitedForWhateverTheHostChose") {
  TrackingRing tracking(blocking(), ring_bytes_min);
  REQUIRE(tracking.report_loss() == WriteOutcome::ok);
  bool is_broken = false;
  SECTION("it is tried again") { tracking.handover.set_failing("no space"); }
  SECTION("it is given up") {
    tracking.handover.set_broken("damaged");
    is_broken = true;
  }
  while (tracking.report_loss() == WriteOutcome::ok) {
  }
  for (int i = 0; i < 3; ++i) CHECK(tracking.report_loss() == WriteOutcome::dropped);
  CHECK(tracking.tracker.counters().waits == (is_broken ? 0 : 1));
}

TEST_CASE("AFullJournalIsWaitedForOnceThoughOtherEventsFindRoom") {
  Config config;
  config.full_wait_ms = 5;
  TrackingRing tracking(config, ring_bytes_min);
  while (tracking.report_loss() == WriteOutcome::ok) {
  }
  CHECK(tracking.tracker.counters().waits == 1);
  tuner_checkpoint_event checkpoint{};
  checkpoint.size = sizeof checkpoint;
  checkpoint.trial_id = borrow("t1");
  for (int i = 0; i < 3; ++i) {
    CHECK(tracking.tracker.checkpoint(checkpoint, true) == WriteOutcome::ok);
    CHECK(tracking.report_loss() == WriteOutcome::dropped);
  }
  CHECK(tracking.tracker.counters().waits == 1);
}

TEST_CASE("ACommitThatDoesNotComeIsWaitedForOnce") {
  Config config;
  config.durability = Durability::always;
  config.always_wait_ms = 1000;
  TrackingRing tracking(config, ring_bytes_min);
  const auto report = [&] {
    const int64_t begun = monotonic_ns();
    CHECK(tracking.report_loss() == WriteOutcome::not_durable);
    return static_cast<double>(monotonic_ns() - begun) / 1e9;
  };
  CHECK(report() >= 1.0);
  double waited = 0;
  for (int i = 0; i < 40; ++i) waited += report();
  CHECK(waited < 20);  // not 40
  // A commit came through: the next one may.
  tracking.handover.set_durable(tracking.ring->published_sequence());
  CHECK(report() >= 1.0);
}

TEST_CASE("WhatWasLostBeforeTheSessionIsToldBehindIt") {
  TrackingRing tracking({}, ring_bytes_min);
  tracking.tracker.drop(false);
  CHECK(tracking.report_loss() == WriteOutcome::ok);
  CHECK(std::holds_alternative<SessionEvent>(tracking.events().at(0)));
  CHECK(recorded_drops(tracking) == 1);
}

TEST_CASE("GapRecordsOfALongDroughtLeaveTheReserveToLifeCycleEvents") {
  Config config;
  config.full_wait_ms = 0;
  TrackingRing tracking(config, ring_bytes_min);
  while (tracking.report_loss() == WriteOutcome::ok) {
  }
  const uint64_t used = tracking.ring->used_bytes();
  constexpr uint64_t more = 300000;
  for (uint64_t i = 0; i < more; ++i) tracking.report_loss();
  CHECK(tracking.ring->used_bytes() - used < ring_bytes_min / 8 / 4);
  CHECK(recorded_drops(tracking) > more / 2);
  CHECK(recorded_drops(tracking) <= more + 1);
  tracking.tracker.close();
  CHECK(tracking.events_of<CloseEvent>().size() == 1);
  CHECK(recorded_drops(tracking) == more + 1);
}

}  // namespace
}  // namespace aimlog::test

// What setup tells, and that nothing stands in a journal before it.
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/unit/tracker/tracking_ring.h"

namespace aimlog::test {

TEST_CASE("TheYamlsExperimentWinsOverTheHosts") {
  Config config;
  const std::string expected = GENERATE("from-yaml", "from-host");
  if (expected == "from-yaml") config.experiment = "from-yaml";
  TrackingRing tracking(config);
  tuner_setup_event setup{};
  setup.size = sizeof setup;
  setup.experiment_name = borrow("from-host");
  tracking.tracker.setup(setup);
  CHECK(tracking.events_of<SessionEvent>().at(0).experiment == expected);
  CHECK_THROWS_AS(tracking.tracker.setup(setup), Error);
}

// Else nothing behind it could be placed, for a record of a small ring holds 16 KiB.
TEST_CASE("OfASessionThatIsLargerThanARecordTheEssentialIsKept") {
  Config config;
  config.tags = std::vector<std::string>(100, std::string(1000, 't'));
  TrackingRing tracking(config, ring_bytes_min);
  const std::string large(60000, 'x');
  tuner::ResultBuilder stop;
  stop.clear();
  stop.add("text", large);
  const tuner_string reserved[] = {borrow("pid")};
  tuner_setup_event setup{};
  setup.size = sizeof setup;
  setup.job_id = borrow("job");
  setup.experiment_dir = setup.host_name = setup.metric = setup.mode = borrow(large);
  setup.stop = &stop.root();
  setup.reserved_keys = reserved;
  setup.reserved_key_count = 1;
  CHECK(tracking.tracker.setup(setup) == WriteOutcome::ok);
  tuner::ResultBuilder result;
  result.clear();
  result.add("pid", int64_t{1});
  result.add("loss", 0.5);
  CHECK(tracking.report(result.root()) == WriteOutcome::ok);
  const auto sessions = tracking.events_of<SessionEvent>();
  REQUIRE(sessions.size() == 1);
  CHECK(sessions[0].job_id == "job");
  CHECK(sessions[0].host_name == large.substr(0, tracking.ring->writer().record_bytes_max() / 32));
  CHECK(sessions[0].stop.empty());
  CHECK(sessions[0].tags.size() == 8);
  CHECK(tracking.events_of<ShapeEvent>().at(0).names == std::vector<std::string>{"loss"});
  CHECK(tracking.tracker.counters().values_cut > 0);
}

// What setup told is not forgotten where there was no room for it.
TEST_CASE("NothingIsRecordedBeforeTheSession") {
  Config config;
  config.full_wait_ms = 0;
  TrackingRing tracking(config, ring_bytes_min);
  while (tracking.ring->writer().reserve(1000, RingRoom::reserved) != nullptr) {
    tracking.ring->writer().publish(static_cast<uint16_t>(EventType::close), 1000);
  }
  while (tracking.ring->writer().reserve(1, RingRoom::reserved) != nullptr) {
    tracking.ring->writer().publish(static_cast<uint16_t>(EventType::close), 1);
  }
  tuner_setup_event setup{};
  setup.size = sizeof setup;
  setup.job_id = borrow("job");
  CHECK(tracking.tracker.setup(setup) == WriteOutcome::dropped);
  CHECK_THROWS_AS(tracking.tracker.setup(setup), Error);
  tuner::ResultBuilder result;
  result.clear();
  result.add("loss", 0.5);
  CHECK(tracking.report(result.root()) == WriteOutcome::dropped);
  CHECK(tracking.tracker.experiment_end({}) == WriteOutcome::dropped);
  RingWriter& writer = tracking.ring->writer();
  const RingPosition position{writer.published_sequence(), writer.published()};
  writer.release(position.offset);
  CHECK(tracking.report(result.root()) == WriteOutcome::ok);
  RingRecord record;
  REQUIRE(tracking.ring->read(position, record));
  REQUIRE(static_cast<EventType>(record.type) == EventType::gap);  // of what was dropped
  const auto gap = std::get<GapEvent>(decode_event(EventType::gap, record.payload));
  CHECK(gap.results == 1);
  CHECK(gap.others == 2);
  REQUIRE(tracking.ring->read(record.end, record));
  REQUIRE(static_cast<EventType>(record.type) == EventType::session);
  CHECK(std::get<SessionEvent>(decode_event(EventType::session, record.payload)).job_id == "job");
}

}  // namespace aimlog::test

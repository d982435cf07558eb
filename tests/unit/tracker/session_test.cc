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

TEST_CASE("TextsThatAreLargerThanARecordAreCutAndCounted") {
  TrackingRing tracking({}, ring_bytes_min);
  const size_t record_bytes_max = tracking.ring->writer().record_bytes_max();
  const std::string large(3 * record_bytes_max, 'x');
  const std::string bad(record_bytes_max / 2, static_cast<char>(0xff));  // repaired it is longer
  tuner_trial trial{};
  trial.size = sizeof trial;
  trial.id = trial.name = trial.trainable_name = trial.experiment_tag = borrow(large);
  trial.local_dir = trial.remote_dir = trial.node_ip = borrow(bad);
  tuner_trial_start_event start{};
  start.size = sizeof start;
  start.checkpoint_path = borrow(large);
  CHECK(tracking.tracker.start(start, trial, false) == WriteOutcome::ok);
  tuner_trial_error_event error{};
  error.size = sizeof error;
  error.trial_id = borrow(large);
  for (const std::string& text : {large, bad}) {
    error.error_text = borrow(text);
    CHECK(tracking.tracker.failure(error, false) == WriteOutcome::ok);
  }
  const auto starts = tracking.events_of<StartEvent>();
  REQUIRE(starts.size() == 1);
  CHECK(starts[0].name == large.substr(0, record_bytes_max / 16));
  const auto failures = tracking.events_of<FailureEvent>();
  REQUIRE(failures.size() == 2);
  CHECK(failures[0].error_text == large.substr(0, record_bytes_max / 2));
  CHECK(tracking.tracker.counters().values_cut >= 5);
  CHECK(tracking.tracker.counters().events_dropped == 0);
}

TEST_CASE("ATextThatIsLargerThanARecordIsCutInItsResult") {
  TrackingRing tracking({}, ring_bytes_min);
  const std::string large(3 * tracking.ring->writer().record_bytes_max(), 'x');
  tuner::ResultBuilder result;
  result.clear();
  result.add("loss", 0.5);
  result.add("a", large);
  result.add("b", large);
  CHECK(tracking.report(result.root()) == WriteOutcome::ok);
  CHECK(tracking.tracker.counters().values_cut == 2);
  const auto results = tracking.events_of<ResultEvent>();
  REQUIRE(results.size() == 1);
  CHECK(results[0].result.size() > 1000);
}

// Where they fit together none is cut.
TEST_CASE("LongPathsStayWholeInASmallJournal") {
  TrackingRing tracking({}, ring_bytes_min);
  const std::string path(3000, 'p');
  tuner_trial trial{};
  trial.size = sizeof trial;
  trial.id = borrow("t");
  trial.local_dir = borrow(path);
  tuner_trial_start_event start{};
  start.size = sizeof start;
  start.checkpoint_path = borrow(path);
  CHECK(tracking.tracker.start(start, trial, false) == WriteOutcome::ok);
  CHECK(tracking.events_of<StartEvent>().at(0).local_dir == path);
  CHECK(tracking.tracker.counters().values_cut == 0);
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
  CHECK(tracking.report_loss() == WriteOutcome::dropped);
  CHECK(tracking.tracker.experiment_end({}) == WriteOutcome::dropped);
  RingWriter& writer = tracking.ring->writer();
  const RingPosition position{writer.published_sequence(), writer.published()};
  writer.release(position.offset);
  CHECK(tracking.report_loss() == WriteOutcome::ok);
  RingRecord record;
  REQUIRE(tracking.ring->read(position, record));
  REQUIRE(static_cast<EventType>(record.type) == EventType::session);
  CHECK(std::get<SessionEvent>(decode_event(EventType::session, record.payload)).job_id == "job");
  REQUIRE(tracking.ring->read(record.end, record));
  REQUIRE(static_cast<EventType>(record.type) == EventType::gap);  // of what was dropped
  const auto gap = std::get<GapEvent>(decode_event(EventType::gap, record.payload));
  CHECK(gap.results == 1);
  CHECK(gap.others == 2);
}

}  // namespace aimlog::test

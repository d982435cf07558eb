// A real ring with a tracker on it, and everything that the tracker wrote, decoded.
#pragma once

#include <memory>
#include <vector>

#include "abi/include/tuner_plugin.hpp"
#include "plugin/journal/handover.h"
#include "plugin/journal/ring.h"
#include "plugin/model/event_codec.h"
#include "plugin/model/result_codec.h"
#include "plugin/tracker/tracker.h"
#include "tests/support/temp_dir.h"

namespace aimlog::test {

inline tuner_string borrow(std::string_view text) { return {text.data(), text.size()}; }

class TrackingRing {
 public:
  explicit TrackingRing(Config config = {}, uint64_t ring_bytes = 1 << 20)
      : ring(Ring::create(directory.path(), ring_bytes)), tracker(*ring, handover, config) {}

  WriteOutcome report(const tuner_value& result, std::string_view trial = "t1",
                      int64_t time_ns = 1000) {
    tuner_trial_result_event event{};
    event.size = sizeof event;
    event.trial_id = borrow(trial);
    event.time_ns = time_ns;
    event.result = &result;
    return tracker.result(event);
  }

  // A small result.
  WriteOutcome report_loss() {
    tuner::ResultBuilder result;
    result.clear();
    result.add("loss", 0.5);
    return report(result.root());
  }

  // All events so far; results are kept as bytes of their own.
  std::vector<Event> events() {
    std::vector<Event> all;
    RingPosition position;
    RingRecord record;
    while (ring->read(position, record)) {
      payloads.push_back(std::make_unique<Bytes>(record.payload));
      all.push_back(decode_event(static_cast<EventType>(record.type), *payloads.back()));
      position = record.end;
    }
    return all;
  }

  template <typename T>
  std::vector<T> events_of() {
    std::vector<T> found;
    for (const Event& event : events()) {
      if (const T* wanted = std::get_if<T>(&event)) found.push_back(*wanted);
    }
    return found;
  }

  TempDir directory;
  Handover handover;
  std::unique_ptr<Ring> ring;
  Tracker tracker;
  std::vector<std::unique_ptr<Bytes>> payloads;
};

}  // namespace aimlog::test

// A real repo and a real ring, into which events are written as the tracker would.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "plugin/journal/ring.h"
#include "plugin/model/event_codec.h"
#include "plugin/model/result_codec.h"
#include "plugin/model/value.h"
#include "plugin/store/environment.h"
#include "plugin/store/name_table.h"
#include "plugin/store/run_table.h"
#include "plugin/store/run_view.h"
#include "tests/support/temp_dir.h"

namespace aimlog::test {

inline bool write_payload(Ring& ring, EventType type, ByteView payload) {
  char* place = ring.writer().reserve(static_cast<uint32_t>(payload.size()), RingRoom::reserved);
  if (place == nullptr) return false;
  std::memcpy(place, payload.data(), payload.size());
  return ring.writer().publish(static_cast<uint16_t>(type),
                               static_cast<uint32_t>(payload.size())) != 0;
}

// False if the ring is full.
inline bool write_event(Ring& ring, const Event& event) {
  Bytes payload;
  append_event(payload, event);
  return write_payload(ring, event_type(event), payload);
}

inline Event session(JobToken token, int32_t resumed = 0, const std::string& job_id = "") {
  SessionEvent event;
  event.token = token;
  event.resumed = resumed;
  event.time_ns = 1;
  event.experiment = "e";
  event.job_id = job_id;
  return event;
}

inline Event trial(const std::string& id) { return TrialEvent{trial_key(id), id}; }

inline Event shape(const std::vector<std::string>& names) {
  return ShapeEvent{shape_hash({}, names), {}, names};
}

inline Event start(const std::string& id, int64_t time_ns = 10) {
  StartEvent event;
  event.trial = trial_key(id);
  event.time_ns = time_ns;
  return event;
}

inline Event end(const std::string& id, TrialStatus status = TrialStatus::completed) {
  return EndEvent{trial_key(id), 20, status};
}

// One result with these numbers; a number that is none becomes a text of `text_bytes`.
struct MadeResult {
  MadeResult(const std::vector<std::string>& names, std::vector<Number> numbers, int64_t step,
             size_t text_bytes = 4) {
    ResultView view;
    view.step = step;
    view.time_ns = step;
    view.numbers = std::move(numbers);
    Bytes text;
    append_value(text, Value{std::string(text_bytes, 'x')});
    for (const Number& number : view.numbers)
      view.objects.push_back(number.exists() ? ByteView() : ByteView(text));
    bytes = encode_result(view);
    hash = shape_hash({}, names);
  }
  Event event(const std::string& id) const { return ResultEvent{trial_key(id), hash, bytes}; }

  Bytes bytes;
  Hash128 hash{};
};

inline bool write_result(Ring& ring, const std::string& id, const std::vector<std::string>& names,
                         std::vector<Number> numbers, int64_t step) {
  return write_event(ring, MadeResult(names, std::move(numbers), step).event(id));
}

class JournaledRepo {
 public:
  explicit JournaledRepo(uint64_t ring_bytes = 1 << 20) { new_ring(ring_bytes); }

  // The old ring's writer is dead from now on; its file stays.
  void new_ring(uint64_t bytes = 1 << 20) {
    ring.reset();
    ring = Ring::create(environment->paths().journals, bytes);
  }

  RunNumber run(const std::string& id, JobNumber job = 1) {
    const Transaction txn(*environment);
    return find_run(txn, job, trial_key(id)).value();
  }
  RunRow run_row(const std::string& id, JobNumber job = 1) {
    const Transaction txn(*environment);
    return get_run(txn, find_run(txn, job, trial_key(id)).value());
  }
  std::vector<Point> points(const std::string& id, const std::string& name, JobNumber job = 1) {
    const Transaction txn(*environment);
    const auto run = find_run(txn, job, trial_key(id));
    const auto metric = find_name(txn, name);
    if (!run || !metric) return {};
    return read_all_points(txn, Tails(txn), *run, {*metric, 0});
  }
  // Everything that people can see, as text.
  std::string view() {
    const Transaction txn(*environment);
    const Tails tails(txn);
    std::string text;
    each_run(txn, [&](RunNumber number, const RunRow& row) {
      text += row.trial_id + " " + status_name(row.status) + " " + std::to_string(row.failures) +
              row.error_text + "\n";
      for (uint32_t i = 1; i <= row.attempts; ++i) {
        text += std::string("  ") + status_name(get_attempt(txn, number, i)->status) + " " +
                std::to_string(read_result_count(txn, tails, number, i)) + "\n";
      }
      for (const auto& [key, summary] : read_summaries(txn, tails, number)) {
        text += "  " + get_name(txn, key.name) + " " + std::to_string(summary.count) + ":";
        for (const Point& point : read_all_points(txn, tails, number, key)) {
          text += " " + std::to_string(point.attempt) + "," + std::to_string(point.step) + "," +
                  type_name(point.value.type) + to_text(point.value);
        }
        text += "\n";
      }
    });
    return text;
  }

  TempDir directory;
  std::shared_ptr<Environment> environment = Environment::open(directory.path(), OpenMode::create);
  std::unique_ptr<Ring> ring;
};

}  // namespace aimlog::test

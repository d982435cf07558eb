#include "plugin/tracker/event_writer.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <thread>

#include "plugin/base/clock.h"
#include "plugin/model/event_codec.h"

namespace aimlog {
namespace {

constexpr size_t gap_bytes_max = 128;  // a gap record with its head

RingRoom room_for(EventType type) {
  return type == EventType::result ? RingRoom::results : RingRoom::reserved;
}

}  // namespace

EventWriter::EventWriter(Ring& ring, Handover& handover, const Config& config, Counters& counters)
    : ring_(ring.writer()),
      counters_(counters),
      durability_(config.durability),
      on_full_(config.on_full),
      full_wait_(config.full_wait_ms),
      always_wait_(config.always_wait_ms),
      handover_(handover) {
  gap_payload_.reserve(gap_bytes_max);
}

WriteOutcome EventWriter::write(const Event& event) {
  return settle(event_type(event), append(event));
}

bool EventWriter::announce(const Event& event) { return append(event) != 0; }

uint64_t EventWriter::append(const Event& event) {
  scratch_.clear();
  append_event(scratch_, event);
  const EventType type = event_type(event);
  return append(type, scratch_, {}, room_for(type));
}

WriteOutcome EventWriter::write_result(const TrialKey& trial, const Hash128& shape,
                                       ByteView result) {
  char prefix[result_prefix_bytes];
  std::memcpy(prefix, trial.data(), trial.size());
  std::memcpy(prefix + trial.size(), shape.data(), shape.size());
  return settle(EventType::result, append(EventType::result, ByteView(prefix, sizeof prefix),
                                          result, RingRoom::results));
}

bool EventWriter::write_gap() {
  if (!begun_) return false;
  gap_payload_.clear();
  append_event(gap_payload_, gap_);
  const auto bytes = static_cast<uint32_t>(gap_payload_.size());
  char* place = ring_.reserve(bytes, RingRoom::reserved);
  if (place == nullptr) return false;
  std::memcpy(place, gap_payload_.data(), bytes);
  unwritable_ = ring_.publish(static_cast<uint16_t>(EventType::gap), bytes) == 0;
  if (unwritable_) return false;
  gap_ = {};
  return true;
}

uint64_t EventWriter::append(EventType type, ByteView prefix, ByteView body, RingRoom room) {
  ++counters_.events;
  const size_t size = prefix.size() + body.size();
  if (size > ring_.record_bytes_max()) {
    ++counters_.values_cut;
    return 0;
  }
  const auto bytes = static_cast<uint32_t>(size);
  char* place = gap_is_due() ? nullptr : ring_.reserve(bytes, room);
  if (place == nullptr) place = find_room(bytes, room);
  if (place == nullptr) return 0;
  // What found room in the reserve says nothing of room for results: they go on dropping at once.
  if (room == RingRoom::results) full_ = false;
  std::memcpy(place, prefix.data(), prefix.size());
  if (!body.empty()) std::memcpy(place + prefix.size(), body.data(), body.size());
  const uint64_t sequence = ring_.publish(static_cast<uint16_t>(type), bytes);
  unwritable_ = sequence == 0;
  begun_ = begun_ || sequence != 0;
  return sequence;
}

// What a published record still needs; `sequence` is 0 if it could not be published.
WriteOutcome EventWriter::settle(EventType type, uint64_t sequence) {
  if (sequence == 0) return drop(type);
  if (durability_ != Durability::always) return WriteOutcome::ok;
  return wait_durable(sequence) ? WriteOutcome::ok : WriteOutcome::not_durable;
}

// A wait that ran out is paid once: until a commit has come through, later events only ask.
bool EventWriter::wait_durable(uint64_t sequence) {
  const bool stuck = durable_when_late_ == handover_.durable_sequence();
  if (handover_.wait_durable(sequence, stuck ? std::chrono::milliseconds(0) : always_wait_)) {
    durable_when_late_.reset();
    return true;
  }
  if (!stuck) durable_when_late_ = handover_.durable_sequence();
  return false;
}

// The gap comes first, so that it stands where the events are missing; a result waits behind it
// like behind any other.
char* EventWriter::find_room(uint32_t bytes, RingRoom room) {
  if (gap_is_due() && ring_.reserve(bytes + gap_bytes_max, room) != nullptr && write_gap()) {
    char* place = ring_.reserve(bytes, room);
    if (place != nullptr) return place;
  }
  return wait_for_room(bytes, room);
}

// Waiting helps where the committer makes room; not where the ring's file cannot be written.
bool EventWriter::may_wait() const {
  if (handover_.broken() || unwritable_) return false;
  return !full_ || may_wait_on();
}

// With `on_full: block` the host chose to wait for as long as it takes; but not for a store that
// fails, nor in its last call.
bool EventWriter::may_wait_on() const {
  return on_full_ == OnFull::block && !closing_ && !handover_.failing() && !handover_.broken();
}

char* EventWriter::wait_for_room(uint32_t bytes, RingRoom room) {
  if (!may_wait()) return nullptr;
  const int64_t start = monotonic_ns();
  const int64_t deadline = start + std::chrono::nanoseconds(full_wait_).count();
  char* place = nullptr;
  ++counters_.waits;
  while (true) {
    handover_.wake();
    std::this_thread::sleep_for(std::chrono::microseconds(100));
    if (gap_is_due()) write_gap();
    if (!gap_is_due()) place = ring_.reserve(bytes, room);
    if (place != nullptr || unwritable_) break;
    if (!may_wait_on() && monotonic_ns() >= deadline) break;
  }
  counters_.wait_ns_max =
      std::max(counters_.wait_ns_max, static_cast<uint64_t>(monotonic_ns() - start));
  if (place == nullptr && !full_) {
    full_ = true;
    drops_ = 0;
  }
  return place;
}

WriteOutcome EventWriter::drop(EventType type) {
  const int64_t now = wall_clock_ns();
  if (!has_gap()) gap_.first_ns = now;
  gap_.last_ns = now;
  ++(type == EventType::result ? gap_.results : gap_.others);
  ++counters_.events_dropped;
  // What is only in memory dies with the process. A record at the first drop and whenever their
  // number has doubled takes little of the ring's reserve, and says of more than half of them.
  if (std::has_single_bit(++drops_)) write_gap();
  return WriteOutcome::dropped;
}

}  // namespace aimlog

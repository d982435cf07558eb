#include "plugin/journal/ring.h"

#include "plugin/base/error.h"
#include "plugin/base/random.h"
#include "plugin/journal/ring_file.h"
#include "plugin/journal/ring_format.h"
#include "plugin/journal/ring_scan.h"

namespace aimlog {
namespace {

// What create() makes writable, until the committer has come round to do so.
constexpr uint64_t first_bytes_ahead = 64 * 1024;

uint64_t checked_data_bytes(uint64_t bytes) {
  if (bytes < ring_bytes_min || bytes > ring_bytes_max) {
    throw Error(ErrorCode::invalid_argument,
                "a journal of " + std::to_string(bytes) + " bytes: it must have " +
                    std::to_string(ring_bytes_min) + " to " + std::to_string(ring_bytes_max));
  }
  return (bytes + ring_header_bytes - 1) / ring_header_bytes * ring_header_bytes;
}

}  // namespace

// Three groups of members in cache lines of their own: constant ones, the producer's, the
// consumer's. The two threads meet in `published` and `released` only.
struct Ring::State {
  State(const std::filesystem::path& directory, uint64_t data_bytes)
      : id(random_128()), checksum(id), file(directory, id, data_bytes), area_bytes(data_bytes) {
    area.data = file.data();
    area.bytes = data_bytes;
    for_results = data_bytes - data_bytes / 8;
  }

  RingRecordHead* head_at(uint64_t at) const {
    return reinterpret_cast<RingRecordHead*>(file.data() + at);
  }
  void store_head(uint64_t at, uint64_t offset, RingRecordHead head) noexcept;
  bool store_wrap_mark() noexcept;

  const std::array<unsigned char, 16> id;
  const RingChecksum checksum;
  RingFile file;
  const uint64_t area_bytes;
  RingArea area;
  uint64_t for_results;

  // The producer's. A reserved record begins at `reserved_offset`, which is `next_offset`, or the
  // next lap's start when the rest of this lap is too short.
  alignas(64) uint64_t next_offset = 0;
  uint64_t next_place = 0;  // next_offset modulo area_bytes
  uint64_t sequence = 0;
  uint64_t released_seen = 0;  // never above `released`; asked again only when the room seems short
  uint64_t reserved_offset = 0;
  uint64_t reserved_place = 0;
  uint64_t reserved_bytes = 0;  // of payload
  bool is_reserved = false;

  // Written by the producer only: what is before `published` may be read.
  alignas(64) std::atomic<uint64_t> published{0};
  std::atomic<uint64_t> published_sequence{0};

  // Written by the consumer only: what is before `released` may be overwritten.
  alignas(64) std::atomic<uint64_t> released{0};
  bool can_populate = true;
  RingDamage damage;
};

// The commit word goes last, with release: whoever sees it, in this life or after it, sees the
// record.
void Ring::State::store_head(uint64_t at, uint64_t offset, RingRecordHead head) noexcept {
  RingRecordHead* target = head_at(at);
  target->length = head.length;
  target->type = head.type;
  target->flags = head.flags;
  target->sequence = head.sequence;
  const uint64_t commit = checksum.commit_word(target, offset);
  std::atomic_ref<uint64_t>(target->commit).store(commit, std::memory_order_release);
}

bool Ring::State::store_wrap_mark() noexcept {
  if (area_bytes - next_place < sizeof(RingRecordHead)) return true;
  store_head(next_place, next_offset, {0, 0, 0, ring_flag_wrap, sequence});
  return !file.uses_write_calls() || file.write_back(next_place, sizeof(RingRecordHead));
}

Ring::Ring(std::unique_ptr<State> state) : state_(std::move(state)) {}
Ring::~Ring() = default;

std::unique_ptr<Ring> Ring::create(const std::filesystem::path& directory, uint64_t bytes) {
  const uint64_t data_bytes = checked_data_bytes(bytes);
  std::unique_ptr<Ring> ring(new Ring(std::make_unique<State>(directory, data_bytes)));
  ring->prepare_ahead(first_bytes_ahead);
  return ring;
}

const std::array<unsigned char, 16>& Ring::id() const { return state_->id; }
const std::filesystem::path& Ring::path() const { return state_->file.path(); }
uint64_t Ring::data_bytes() const { return state_->area_bytes; }
uint32_t Ring::record_bytes_max() const { return static_cast<uint32_t>(state_->area_bytes / 4); }
bool Ring::uses_write_calls() const { return state_->file.uses_write_calls(); }

char* Ring::reserve(uint32_t bytes, RingRoom room) noexcept {
  State& s = *state_;
  s.is_reserved = false;
  if (bytes > s.area_bytes / 4 || s.file.data() == nullptr) return nullptr;
  const uint64_t size = ring_record_bytes(bytes);
  uint64_t offset = s.next_offset;
  uint64_t place = s.next_place;
  if (s.area_bytes - place < size) {
    offset += s.area_bytes - place;
    place = 0;
  }
  const uint64_t limit = room == RingRoom::results ? s.for_results : s.area_bytes;
  if (offset + size - s.released_seen > limit) {
    s.released_seen = s.released.load(std::memory_order_acquire);
    if (offset + size - s.released_seen > limit) return nullptr;
  }
  s.reserved_offset = offset;
  s.reserved_place = place;
  s.reserved_bytes = bytes;
  s.is_reserved = true;
  return s.file.data() + place + sizeof(RingRecordHead);
}

uint64_t Ring::publish(uint16_t type, uint32_t bytes) noexcept {
  State& s = *state_;
  if (!s.is_reserved || bytes > s.reserved_bytes || s.file.data() == nullptr) return 0;
  s.is_reserved = false;
  if (s.reserved_offset != s.next_offset && !s.store_wrap_mark()) return 0;
  const uint64_t sequence = s.sequence + 1;
  const uint64_t size = ring_record_bytes(bytes);
  s.store_head(s.reserved_place, s.reserved_offset, {0, bytes, type, 0, sequence});
  if (s.file.uses_write_calls() && !s.file.write_back(s.reserved_place, size)) return 0;
  s.sequence = sequence;
  s.next_offset = s.reserved_offset + size;
  s.next_place = s.reserved_place + size;
  if (s.next_place == s.area_bytes) s.next_place = 0;
  s.published_sequence.store(sequence, std::memory_order_relaxed);
  s.published.store(s.next_offset, std::memory_order_release);
  return sequence;
}

uint64_t Ring::published_sequence() const noexcept {
  return state_->published_sequence.load(std::memory_order_relaxed);
}

bool Ring::read(const RingPosition& position, RingRecord& out) const {
  State& s = *state_;
  const uint64_t published = s.published.load(std::memory_order_acquire);
  if (position.offset >= published || s.file.data() == nullptr) return false;
  RingPosition next = position;
  return find_record(s.area, s.checksum, next, published, out, s.damage);
}

void Ring::release(const RingPosition& position) noexcept {
  state_->released.store(position.offset, std::memory_order_release);
}

void Ring::prepare_ahead(uint64_t bytes) noexcept {
  State& s = *state_;
  if (!s.can_populate || s.file.data() == nullptr) return;
  const uint64_t place = s.published.load(std::memory_order_relaxed) % s.area_bytes;
  const uint64_t count = std::min(bytes, s.area_bytes);
  const uint64_t to_end = std::min(count, s.area_bytes - place);
  s.can_populate =
      s.file.populate(place, to_end) && (count == to_end || s.file.populate(0, count - to_end));
}

const RingDamage& Ring::damage() const { return state_->damage; }

void Ring::remove() { state_->file.remove(); }

uint64_t Ring::used_bytes() const noexcept {
  // In this order: read the other way round, the difference could fall below zero.
  const uint64_t released = state_->released.load(std::memory_order_acquire);
  return state_->published.load(std::memory_order_acquire) - released;
}

void Ring::abandon_in_child() noexcept { state_->file.abandon_in_child(); }

}  // namespace aimlog

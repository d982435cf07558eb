#include "plugin/journal/ring.h"

#include "plugin/base/error.h"
#include "plugin/base/random.h"
#include "plugin/journal/ring_file.h"
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

struct Ring::State {
  State(const std::filesystem::path& directory, uint64_t data_bytes)
      : id(random_128()),
        checksum(id),
        file(directory, id, data_bytes),
        area{file.data(), data_bytes},
        writer(file, checksum) {}

  const std::array<unsigned char, 16> id;
  const RingChecksum checksum;
  RingFile file;
  const RingArea area;
  RingWriter writer;

  // The committer's.
  bool can_populate = true;
  RingDamage damage;
};

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
uint64_t Ring::data_bytes() const { return state_->area.bytes; }
bool Ring::uses_write_calls() const { return state_->file.uses_write_calls(); }

RingWriter& Ring::writer() noexcept { return state_->writer; }

uint64_t Ring::published_sequence() const noexcept { return state_->writer.published_sequence(); }

bool Ring::read(const RingPosition& position, RingRecord& out) const {
  State& s = *state_;
  const uint64_t published = s.writer.published();
  if (position.offset >= published || s.file.data() == nullptr) return false;
  RingPosition next = position;
  return find_record(s.area, s.checksum, next, published, out, s.damage);
}

RingPosition Ring::pass_over_rest(const RingPosition& position) {
  State& s = *state_;
  const RingPosition end{s.writer.published_sequence(), s.writer.published()};
  s.damage.records_missing += end.sequence - position.sequence;
  s.damage.bytes_skipped += end.offset - position.offset;
  return end;
}

void Ring::release(const RingPosition& position) noexcept {
  state_->writer.release(position.offset);
}

void Ring::prepare_ahead(uint64_t bytes) noexcept {
  State& s = *state_;
  if (!s.can_populate || s.file.data() == nullptr) return;
  const uint64_t place = s.writer.published() % s.area.bytes;
  const uint64_t count = std::min(bytes, s.area.bytes);
  const uint64_t to_end = std::min(count, s.area.bytes - place);
  s.can_populate =
      s.file.populate(place, to_end) && (count == to_end || s.file.populate(0, count - to_end));
}

const RingDamage& Ring::damage() const { return state_->damage; }

void Ring::remove() {
  state_->writer.abandon();
  state_->file.remove();
}

void Ring::let_go() noexcept {
  state_->writer.abandon();
  state_->file.close();
}

uint64_t Ring::used_bytes() const noexcept {
  // In this order: read the other way round, the difference could fall below zero.
  const uint64_t released = state_->writer.released();
  return state_->writer.published() - released;
}

void Ring::abandon_in_child() noexcept {
  state_->writer.abandon();
  state_->file.abandon_in_child();
}

}  // namespace aimlog

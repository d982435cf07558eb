// The journal: a ring file that makes an event survive the death of the process.
//
// One thread, the host's, writes records; one, the committer's, reads and frees them. The file is
// mapped shared: what is stored there is in the page cache and outlives kill -9. It is never
// synced; a power cut is the store's affair (see FORMAT.md). A ring lives once: its random id is
// never reused, and the file is unlinked after its last record is in the store.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "plugin/base/bytes.h"
#include "plugin/base/unique_fd.h"

namespace aimlog {

inline constexpr uint64_t ring_bytes_min = 64 * 1024;
inline constexpr uint64_t ring_bytes_default = 8 * 1024 * 1024;
inline constexpr uint64_t ring_bytes_max = uint64_t{4} << 30;

// A place in the stream of records: offsets grow for ever, the place in the file is the offset
// modulo the data area's size.
struct RingPosition {
  uint64_t sequence = 0;  // of the last record before this place; the first record has sequence 1
  uint64_t offset = 0;    // where the next record begins
  bool operator==(const RingPosition&) const = default;
};

struct RingRecord {
  uint16_t type = 0;
  RingPosition end;  // the place behind this record; end.sequence is its own sequence number
  ByteView payload;  // valid until the record is released
};

// Bytes that could not be read as records.
struct RingDamage {
  uint64_t bytes_skipped = 0;    // between valid records
  uint64_t records_missing = 0;  // by the gaps in sequence numbers
};

// What a record may use: the last eighth of the ring is kept for life-cycle and shape records.
enum class RingRoom { results, reserved };

class Ring {
 public:
  // Makes a file `<id>.ring` in `directory`: under a temporary name, allocated in full, locked,
  // header synced, renamed, directory synced. `bytes` is rounded up to whole pages. Falls back to
  // write(2) per record where the file cannot be allocated or the file system is copy-on-write;
  // uses_write_calls() says so. Throws Error.
  static std::unique_ptr<Ring> create(const std::filesystem::path& directory, uint64_t bytes);
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  const std::array<unsigned char, 16>& id() const;
  const std::filesystem::path& path() const;
  uint64_t data_bytes() const;
  uint32_t record_bytes_max() const;  // of a payload: a quarter of the ring
  bool uses_write_calls() const;

  // --- the host's thread. No lock, no allocation, no system call (but in the fallback mode).
  // Room for a payload of up to `bytes`, or nullptr if there is none now (or `bytes` is above
  // record_bytes_max()). Nothing is visible before publish(); reserving again gives the earlier
  // reservation up. The place is 8-byte aligned.
  char* reserve(uint32_t bytes, RingRoom room) noexcept;
  // Completes the reserved record with the first `bytes` of its payload. Returns its sequence
  // number, 0 if the fallback's write failed (the record is then not in the ring and the room is
  // given back).
  uint64_t publish(uint16_t type, uint32_t bytes) noexcept;
  uint64_t published_sequence() const noexcept;

  // --- the committer's thread.
  // The record at `position`, or false if nothing is published there yet. Each record is checked
  // again; one that was written over (by whom ever: the host is a stranger) is passed over and
  // counted in damage().
  bool read(const RingPosition& position, RingRecord& out) const;
  const RingDamage& damage() const;
  // Gives back everything before `position`; only after a good commit.
  void release(const RingPosition& position) noexcept;
  // Makes the pages that will be written next writable beforehand, so that the host's thread meets
  // no page fault.
  void prepare_ahead(uint64_t bytes) noexcept;
  // Closes and unlinks the file and syncs the directory: the last act, when everything is
  // committed.
  void remove();

  // --- any thread.
  uint64_t used_bytes() const noexcept;

  // In a forked child: closes the lock so that the parent's death is seen. Nothing else may be
  // called there afterwards.
  void abandon_in_child() noexcept;

 private:
  struct State;
  explicit Ring(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace aimlog

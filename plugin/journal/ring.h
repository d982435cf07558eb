// The journal: a ring file that makes an event survive the death of the process.
//
// One thread, the host's, writes records; one, the committer's, reads and frees them. The file is
// mapped shared: what is stored there is in the page cache and outlives kill -9. It is never
// synced; a power cut is the store's affair (see FORMAT.md). A ring lives once: its random id is
// never reused, and the file is unlinked after its last record is in the store.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "plugin/journal/ring_record.h"
#include "plugin/journal/ring_writer.h"

namespace aimlog {

inline constexpr uint64_t ring_bytes_min = 64 * 1024;
inline constexpr uint64_t ring_bytes_default = 8 * 1024 * 1024;
inline constexpr uint64_t ring_bytes_max = uint64_t{4} << 30;

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
  bool uses_write_calls() const;

  // --- the host's thread.
  RingWriter& writer() noexcept;
  uint64_t published_sequence() const noexcept;  // any thread

  // --- the committer's thread.
  // The record at `position`, or false if nothing is published there yet. Each record is checked
  // again; one that was written over (by whom ever: the host is a stranger) is passed over and
  // counted in damage().
  bool read(const RingPosition& position, RingRecord& out) const;
  const RingDamage& damage() const;
  // Where the writer has ended: what is published behind `position` and cannot be read counts as
  // damage. Returns the end.
  RingPosition pass_over_rest(const RingPosition& position);
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

  // Nobody writes or reads any more: the file stays, for others to replay.
  void let_go() noexcept;

  // In a forked child: closes the lock so that the parent's death is seen. Nothing else may be
  // called there afterwards.
  void abandon_in_child() noexcept;

 private:
  struct State;
  explicit Ring(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace aimlog

// Rings of other processes: is the writer alive, and what did it leave behind.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugin/journal/ring.h"

namespace aimlog {

// All `*.ring` files in `directory`, oldest first.
std::vector<std::filesystem::path> list_rings(const std::filesystem::path& directory);

// Whether a process holds the ring's lock (probed with LOCK_SH). A missing file counts as dead, one
// that this user may not read as live: its job is left alone, and nothing else waits for it.
bool ring_is_live(const std::filesystem::path& path);

// Removes temporary files of rings whose making was interrupted (old enough and unlocked).
void remove_unfinished_rings(const std::filesystem::path& directory);

// A ring whose writer is gone, held under LOCK_EX so that two recoveries never meet.
class DeadRing {
 public:
  // nullopt if the file is gone, or its writer (or another recovery) lives. Throws Error(corrupt)
  // if the header cannot be read, Error(too_new) if a later version wrote it. `read_only`: LOCK_SH,
  // for looking without replaying.
  static std::optional<DeadRing> open(const std::filesystem::path& path, bool read_only = false);
  DeadRing(DeadRing&&) noexcept;
  DeadRing& operator=(DeadRing&&) noexcept;
  ~DeadRing();

  const std::array<unsigned char, 16>& id() const;
  const std::filesystem::path& path() const;

  // Whether the file is shorter than it was made: nobody can tell what stood in the missing part.
  bool is_cut_short() const;

  // How much of the file could not be read, and why. It may be readable later (want of memory, a
  // cable), so nothing is concluded from it: read() ends there, and the ring is not to be removed.
  uint64_t unreadable_bytes() const;
  const std::string& problem() const;

  // The next valid record at or behind `position`, which moves behind it; false at the end, and
  // before what could not be read. Damage before it is added to `damage`: a torn tail is normal and
  // not counted, bytes between valid records are.
  bool read(RingPosition& position, RingRecord& out, RingDamage& damage) const;

  // Unlinks the file and syncs the directory.
  void remove();

 private:
  struct State;
  explicit DeadRing(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace aimlog

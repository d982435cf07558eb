#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "plugin/base/file.h"
#include "plugin/commit/recovery.h"
#include "plugin/journal/dead_ring.h"

namespace aimlog {
namespace {

void read_dead(const DeadRing& ring, const std::map<RingId, JournalRow>& rows,
               JournalState& state) {
  state.ring = ring.id();
  const auto row = rows.find(state.ring);
  state.known = row != rows.end();
  if (state.known) state.applied = row->second.applied;
  RingPosition position{state.applied.sequence, state.applied.offset};
  RingRecord record;
  RingDamage damage;
  while (ring.read(position, record, damage)) ++state.events_waiting;
  state.records_damaged = damage.records_missing;
  state.bytes_damaged = damage.bytes_skipped;
  state.bytes_unreadable = ring.unreadable_bytes();
}

}  // namespace

std::vector<JournalState> look_at_journals(const std::filesystem::path& directory,
                                           const std::map<RingId, JournalRow>& rows) {
  std::vector<JournalState> states;
  for (const auto& path : list_rings(directory)) {
    JournalState& state = states.emplace_back();
    state.path = path;
    try {
      const auto ring = DeadRing::open(path, true);
      if (ring)
        read_dead(*ring, rows, state);
      else if (std::filesystem::exists(path))
        state.live = true;
      else
        states.pop_back();  // its recovery has just come to its end
    } catch (const Error& error) {
      state.problem = error.what();
      // EIO is what a disk says of a sector that it has lost.
      state.is_damaged = error.code() == ErrorCode::corrupt || error.error_number() == EIO;
    }
  }
  return states;
}

uint64_t copy_journal(const std::filesystem::path& from, const std::filesystem::path& to) {
  constexpr uint64_t page_bytes = 4096;
  const UniqueFd source = open_file(from, O_RDONLY);
  const UniqueFd target = open_file(to, O_WRONLY | O_CREAT | O_EXCL);
  const uint64_t size = file_size(source.get(), from);
  resize_file(target.get(), size, to);
  uint64_t unreadable = 0;
  char page[page_bytes];
  for (uint64_t at = 0; at < size; at += page_bytes) {
    const uint64_t count = std::min(page_bytes, size - at);
    try {
      read_all_at(source.get(), page, count, at, from);
    } catch (const Error&) {
      unreadable += count;
      continue;
    }
    write_all_at(target.get(), {page, count}, at, to);
  }
  return unreadable;
}

}  // namespace aimlog

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
    }
  }
  return states;
}

}  // namespace aimlog

// Replays journals whose writers are dead: called by whoever opens the repo next with leave to
// write.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/model/ids.h"
#include "plugin/store/environment.h"
#include "plugin/store/journal_rows.h"
#include "plugin/store/numbers.h"

namespace aimlog {

struct RecoveryReport {
  uint32_t journals_replayed = 0;
  uint64_t events_replayed = 0;
  uint32_t runs_crashed = 0;      // runs that were open and are now marked crashed
  uint64_t records_lost = 0;      // damaged records, also stored as losses
  uint64_t records_unplaced = 0;  // sound ones of trials or shapes that nobody knows; likewise
  // Another process was at it all the time: what it had not done by then is not done.
  bool kept_out = false;
  // One text for each journal that could not be replayed to its end; it is left where it is.
  std::vector<std::string> problems;
};

// Safe to call at any time, by several processes at once. `patience`: how long another writer of
// the repo is waited for, where anything is to be replayed; none = for as long as it takes.
// `recovery_patience`: the same for another recovery; then what that one does not hold is replayed
// beside it. Throws Error only if the store itself fails, or another one writes for longer (io).
RecoveryReport recover_dead_journals(
    Environment& environment, Patience patience = {},
    std::chrono::milliseconds recovery_patience = std::chrono::seconds(10));
// Of who only wants to look.
inline constexpr std::chrono::seconds reader_patience{10};

// For read-only media: how many events wait in dead or live journals beyond what is committed.
struct WaitingEvents {
  uint32_t live_journals = 0;
  uint32_t dead_journals = 0;
  uint64_t events = 0;  // in dead ones
};
WaitingEvents count_waiting_events(Environment& environment);

// Who writes into the repo just now, by the locks on their journals.
struct LiveWriters {
  uint32_t live = 0;
  uint32_t dead = 0;         // journals that wait to be replayed
  std::set<JobNumber> jobs;  // of live ones; one that has just begun has none yet
};
LiveWriters find_writers(Environment& environment, const Transaction& txn);

// A ring file as it stands, for people who look at a repo that may be damaged.
struct JournalState {
  std::filesystem::path path;
  RingId ring{};
  std::string problem;      // it cannot be read: why
  bool is_damaged = false;  // that is why; else it may be readable another time, or by others
  bool live = false;        // its writer lives: then nothing below is looked at
  bool known = false;       // the store has a row of it
  AppliedPosition applied;
  uint64_t events_waiting = 0;  // valid records beyond the applied position
  uint64_t records_damaged = 0, bytes_damaged = 0;
  uint64_t bytes_unreadable = 0;  // events that stand in or behind these are not counted above
};
// Nothing is replayed and nothing written. `rows`: what the store says of its journals.
std::vector<JournalState> look_at_journals(const std::filesystem::path& directory,
                                           const std::map<RingId, JournalRow>& rows);

// Copies a ring file as far as it can be read. How many bytes could not be is returned; they are
// zeros in the copy, which its recovery counts as damage. Throws Error.
uint64_t copy_journal(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace aimlog

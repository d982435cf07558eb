#include "plugin/commit/recovery.h"

#include <fcntl.h>

#include <chrono>

#include "plugin/base/file.h"
#include "plugin/commit/apply_event.h"
#include "plugin/commit/ring_liveness.h"
#include "plugin/store/journal_table.h"
#include "plugin/store/tail_table.h"
#include "plugin/store/timed_lock.h"

namespace aimlog {
namespace {

// Replays one ring, batch by batch; each batch is committed with the position it reaches.
class Replay {
 public:
  Replay(Environment& environment, const DeadRing& ring, Patience patience, RecoveryReport& report)
      : environment_(environment),
        ring_(ring),
        patience_(patience),
        report_(report),
        image_(ring.id()),
        is_whole_(ring.unreadable_bytes() == 0) {}

  void run() {
    while (apply_batch()) {
    }
    report_.events_replayed += events_;
    if (is_whole_ || events_ > 0) ++report_.journals_replayed;
  }

 private:
  // True if records are left.
  bool apply_batch() {
    bool more = false;
    uint64_t events = 0;
    uint64_t lost = 0, unplaced = 0;
    with_write_transaction(environment_, patience_, [&](WriteTransaction& txn) {
      image_.reload(txn);
      const IsLive is_live = is_ring_live(environment_);
      EventApplier applier(txn, image_, is_live);
      RingPosition position{image_.row.applied.sequence, image_.row.applied.offset};
      const uint64_t start = position.offset;
      RingRecord record;
      RingDamage damage;
      events = 0;
      more = true;
      while (position.offset - start < batch_bytes_max) {
        more = ring_.read(position, record, damage);
        if (!more) break;
        applier.apply(static_cast<EventType>(record.type), record.end.sequence, record.payload);
        ++events;
      }
      lost = record_damage(txn, image_, {}, damage);
      unplaced = image_.results_undecodable + image_.others_undecodable;
      const bool last = !more && is_whole_;
      if (last) conclude(applier);
      const bool known = image_.row.number != 0 || events > 0;
      if (known) finish_batch(txn, image_, {position.sequence, position.offset}, last);
      if (known && last) erase_journal_tails(txn, image_.row.number);
    });
    events_ += events;
    report_.records_lost += lost;
    report_.records_unplaced += unplaced;
    return more;
  }

  void conclude(EventApplier& applier) {
    if (image_.row.number != 0 && !image_.row.closed) {
      report_.runs_crashed += applier.crash_open_runs();
    }
  }

  Environment& environment_;
  const DeadRing& ring_;
  const Patience patience_;
  RecoveryReport& report_;
  JournalImage image_;
  const bool is_whole_;
  uint64_t events_ = 0;
};

void replay_ring(Environment& environment, const DeadRing& ring, Patience patience,
                 RecoveryReport& report) {
  if (ring.is_cut_short()) {
    report.problems.push_back("the journal " + ring.path().string() +
                              " is shorter than it was made: events that stood in the missing "
                              "part are lost, and nobody can tell how many");
  }
  Replay(environment, ring, patience, report).run();
  if (ring.unreadable_bytes() > 0) {
    report.problems.push_back(std::to_string(ring.unreadable_bytes()) +
                              " bytes of a journal cannot be read now, so it stays, and what "
                              "follows in it is replayed later: " +
                              ring.problem());
  }
}

// One ring's file must not keep the others from being replayed: what is wrong with it is told.
// Trouble with the store would only come again, and is thrown.
void recover_ring(Environment& environment, const std::filesystem::path& path, Patience patience,
                  RecoveryReport& report) {
  bool in_store = false;
  const char* outcome = " cannot be replayed: ";
  try {
    auto ring = DeadRing::open(path);
    if (!ring) return;
    in_store = true;
    replay_ring(environment, *ring, patience, report);
    in_store = false;
    if (ring->unreadable_bytes() > 0) return;
    outcome = " is replayed and stays: ";
    ring->remove();
    in_store = true;
    with_write_transaction(environment, patience,
                           [&](WriteTransaction& txn) { erase_journal(txn, ring->id()); });
  } catch (const Error& error) {
    const bool is_io = error.code() == ErrorCode::no_space || error.code() == ErrorCode::io;
    if (in_store && is_io) throw;
    report.problems.push_back("the journal " + path.string() + outcome + error.what());
  }
}

// Rows whose ring is gone: its records were all applied when it was unlinked, or somebody deleted
// the file. Either way nothing more comes through it, once a power cut cannot bring it back: then
// its row would be missing, and all its events would be applied a second time.
void conclude_lost_rings(Environment& environment, Patience patience, RecoveryReport& report) {
  std::vector<RingId> lost;
  {
    const Transaction txn(environment);
    each_journal(txn, [&](const RingId& ring, const JournalRow&) {
      if (!std::filesystem::exists(ring_path(environment, ring))) lost.push_back(ring);
    });
  }
  if (lost.empty()) return;
  try {
    sync_directory(environment.paths().journals);
  } catch (const Error& error) {
    report.problems.push_back(std::string("journals that are gone are not closed yet: ") +
                              error.what());
    return;
  }
  for (const RingId& ring : lost) {
    with_write_transaction(environment, patience, [&](WriteTransaction& txn) {
      JournalImage image(ring);
      image.reload(txn);
      if (image.row.number == 0) return;
      const IsLive is_live = is_ring_live(environment);
      EventApplier applier(txn, image, is_live);
      report.runs_crashed += applier.crash_open_runs();
      finish_batch(txn, image, image.row.applied, true);
      erase_journal_tails(txn, image.row.number);
      erase_journal(txn, ring);
    });
  }
}

}  // namespace

RecoveryReport recover_dead_journals(Environment& environment, Patience patience,
                                     std::chrono::milliseconds recovery_patience) {
  RecoveryReport report;
  // One recovery at a time in a repo: while another one holds a dead ring, its job would look
  // alive. Whoever is stopped in the middle of his must not stop others for ever, so after a while
  // we go on without; DeadRing's own lock keeps the rings apart.
  const std::filesystem::path file = environment.paths().root / "recovery.lock";
  const TimedLock lock(LockFd::open(file, O_RDWR | O_CREAT), LOCK_EX, recovery_patience);
  report.kept_out = lock.is_late();
  remove_unfinished_rings(environment.paths().journals);
  for (const auto& path : list_rings(environment.paths().journals)) {
    recover_ring(environment, path, patience, report);
  }
  conclude_lost_rings(environment, patience, report);
  return report;
}

WaitingEvents count_waiting_events(Environment& environment) {
  WaitingEvents waiting;
  for (const auto& path : list_rings(environment.paths().journals)) {
    try {
      const auto ring = DeadRing::open(path, true);
      if (!ring) {
        ++waiting.live_journals;
        continue;
      }
      ++waiting.dead_journals;
      const Transaction txn(environment);
      const JournalRow row = find_journal(txn, ring->id()).value_or(JournalRow{});
      RingPosition position{row.applied.sequence, row.applied.offset};
      RingRecord record;
      RingDamage damage;
      while (ring->read(position, record, damage)) ++waiting.events;
    } catch (const Error&) {
      ++waiting.dead_journals;  // unreadable: what it holds cannot be counted
    }
  }
  return waiting;
}

LiveWriters find_writers(Environment& environment, const Transaction& txn) {
  LiveWriters writers;
  for (const auto& path : list_rings(environment.paths().journals)) {
    if (ring_is_live(path))
      ++writers.live;
    else
      ++writers.dead;
  }
  if (writers.live == 0) return writers;
  each_journal(txn, [&](const RingId& ring, const JournalRow& row) {
    if (row.job != 0 && ring_is_live(ring_path(environment, ring))) writers.jobs.insert(row.job);
  });
  return writers;
}

}  // namespace aimlog

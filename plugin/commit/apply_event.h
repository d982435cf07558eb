// Events to rows. No thread and no clock in here: the same records always make the same rows.
#pragma once

#include <optional>

#include "plugin/commit/bind_job.h"
#include "plugin/commit/journal_image.h"
#include "plugin/commit/run_keeper.h"
#include "plugin/journal/ring.h"
#include "plugin/model/event.h"
#include "plugin/store/environment.h"

namespace aimlog {

// Bytes of records applied in one transaction, by the committer and by a recovery.
inline constexpr uint64_t batch_bytes_max = uint64_t{4} << 20;

// Applies records of one journal within one transaction. What the image holds afterwards is true
// only if the transaction commits.
class EventApplier {
 public:
  EventApplier(WriteTransaction& txn, JournalImage& image, const IsLive& is_live)
      : txn_(txn), image_(image), is_live_(is_live), runs_(txn, image, is_live) {}

  // One record. Payloads that are damaged, or cannot be placed, are counted as undecodable, never
  // thrown.
  void apply(EventType type, uint64_t sequence, ByteView payload);

  // The writer is dead: what it left open is crashed. Returns how many runs that were.
  uint32_t crash_open_runs() { return close(TrialStatus::crashed, 0); }
  // The writer ended in good order, but there was no room for its close record.
  void stop_open_runs() { close(TrialStatus::stopped, 0); }

 private:
  std::optional<Event> decode(EventType type, ByteView payload);
  bool place(const SessionEvent& event);
  bool place(const TrialEvent& event);
  bool place(const ShapeEvent& event);
  bool place(const StartEvent& event);
  bool place(const ResultEvent& event);
  bool place(const CheckpointEvent& event);
  bool place(const EndEvent& event);
  bool place(const FailureEvent& event);
  bool place(const ExperimentEndEvent& event);
  bool place(const CloseEvent& event);
  bool place(const GapEvent& event);

  uint32_t close(TrialStatus status, int64_t time_ns);
  void end_job_with_last_journal();
  void describe(LiveRun& run, const StartEvent& event);
  ShapeNumber find_shape_number(const Hash128& hash);

  WriteTransaction& txn_;
  JournalImage& image_;
  const IsLive& is_live_;
  RunKeeper runs_;
  uint64_t sequence_ = 0;  // of the record being applied
};

// Ends a batch: writes rows that changed, seals runs that are due, puts the rest into tails, and
// the journal's position. `everything`: seals all runs, for a journal that is finished.
void finish_batch(WriteTransaction& txn, JournalImage& image, const AppliedPosition& position,
                  bool everything);

// Stores what could not be read of a ring between two looks at its damage. Returns how many records
// that were, at least.
uint64_t record_damage(WriteTransaction& txn, const JournalImage& image, const RingDamage& before,
                       const RingDamage& now);

}  // namespace aimlog

// What the committer's thread does, step by step, without the thread: records of one ring into the
// store, batch by batch. Nothing in here waits, so that a test can drive it by hand.
//
// A batch applies what is published, commits, and only then gives the slots back. When a commit
// fails it throws its memory of the store away, and applies the same records again later.
#pragma once

#include <atomic>
#include <memory>

#include "plugin/base/log.h"
#include "plugin/commit/journal_image.h"
#include "plugin/journal/handover.h"
#include "plugin/journal/ring.h"
#include "plugin/store/environment.h"

namespace aimlog {

// Of one thread at a time, but for nothing_pending_ns().
class BatchCommitter {
 public:
  // All of these must outlive it.
  BatchCommitter(std::shared_ptr<Environment> environment, Ring& ring, Handover& handover,
                 Log& log);
  BatchCommitter(const BatchCommitter&) = delete;
  BatchCommitter& operator=(const BatchCommitter&) = delete;

  // Journals of the dead come first: which job is left over is known only when they are applied.
  void recover();

  enum class Step { idle, more, failed };
  // `last`: the ring is closed, so all runs are sealed. Throws only for a store that cannot be
  // trusted any more (Error(corrupt)).
  Step commit_batch(bool last);
  // After the last batch: unlinks the ring, then drops its row. Throws Error.
  void remove_ring();

  // Whether records are published that are not committed; notes the time while there are none.
  bool look_for_pending(int64_t now_ns);

  const RingPosition& applied() const { return applied_; }
  uint32_t failures() const { return failures_; }  // in a row
  int64_t last_commit_ns() const { return last_commit_ns_; }
  // When nothing was pending: no record that is not committed is older. Any thread.
  int64_t nothing_pending_ns() const { return nothing_pending_ns_.load(); }

 private:
  void apply_records(WriteTransaction& txn, bool last);
  void handle_failure(const std::exception& error, bool reopen);
  void check_repo_still_there() const;
  void expect_not_kept_out() const;

  const std::shared_ptr<Environment> environment_;
  Ring& ring_;
  Handover& handover_;
  Log& log_;

  JournalImage image_;
  bool image_valid_ = false;
  uint64_t image_commit_ = 0;  // the commit after which the image was true
  RingPosition applied_;       // committed
  RingPosition next_;          // what the batch in progress reaches
  bool recovered_ = false;     // what earlier processes left is in the repo
  bool kept_out_ = false;      // not yet, as another process is at it
  bool more_ = false;          // the batch in progress left records behind
  uint64_t lost_ = 0;          // records that it could not read or place
  uint32_t failures_ = 0;      // in a row
  int64_t last_commit_ns_ = 0;
  const int64_t made_ns_;
  std::atomic<int64_t> nothing_pending_ns_{0};
};

}  // namespace aimlog

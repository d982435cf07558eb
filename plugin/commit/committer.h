// The one background thread of an instance: journal records into the store, again and again.
//
// It wakes on a timer or when the ring fills and lets a BatchCommitter do its work. When a commit
// fails it tries again, at growing intervals. It calls nothing of the host's.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "plugin/base/log.h"
#include "plugin/commit/batch_committer.h"
#include "plugin/journal/handover.h"
#include "plugin/journal/ring.h"
#include "plugin/store/environment.h"

namespace aimlog {

struct CommitterOptions {
  std::chrono::milliseconds interval{1000};
  // After stop was asked for, a store that fails is tried again for this long; then the ring is
  // left for the next opener.
  std::chrono::milliseconds close_timeout{5000};
};

class Committer {
 public:
  // Starts the thread. All of these must outlive it.
  Committer(std::shared_ptr<Environment> environment, Ring& ring, Handover& handover, Log& log,
            CommitterOptions options);
  ~Committer();  // joins: call stop() first where that must not take long
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  // Commits all, seals all, removes the ring, ends the thread. False if it did not end in time (it
  // hangs in the kernel, say): then nothing that it uses may be freed. It may be called again.
  bool stop(std::chrono::milliseconds timeout);
  // After stop(): whether all that was published is in the store.
  bool finished_clean() const { return finished_clean_.load(std::memory_order_acquire); }
  // At least the age of the oldest record that is not committed, and at most a look at the ring
  // more. Any thread.
  uint64_t pending_age_ms() const;
  // The thread cannot be joined: let it go. When it ends after all, the ring is let go too, so that
  // what is left in it can be replayed while this process lives.
  void abandon();

 private:
  using Step = BatchCommitter::Step;

  void run();
  void give_up(const char* problem) noexcept;
  void loop();
  bool is_due(bool wanted) const;
  void finish();

  Ring& ring_;
  Handover& handover_;
  Log& log_;
  const CommitterOptions options_;
  BatchCommitter batches_;  // of the thread alone, but for its times

  std::mutex mutex_;
  std::condition_variable done_changed_;
  bool done_ = false;       // guarded by mutex_
  bool abandoned_ = false;  // guarded by mutex_
  std::atomic<bool> finished_clean_{false};
  std::thread thread_;
};

}  // namespace aimlog

// Where the host's thread and the committer's meet, besides the ring: what is durable, who is to
// wake up, what went wrong.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>

#include "plugin/base/error.h"

namespace aimlog {

class Handover {
 public:
  // --- the host's thread
  // Asks for a commit now. Only slow paths do this: a full ring, durability `always`, flush,
  // destroy.
  void wake() {
    {
      const std::lock_guard lock(mutex_);
      wanted_ = true;
    }
    wake_.notify_one();
  }

  // Waits until the record of this sequence number is durable; false when the time is over or
  // nothing more will become durable.
  bool wait_durable(uint64_t sequence, std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    wanted_ = true;
    wake_.notify_one();
    durable_changed_.wait_for(lock, timeout,
                              [&] { return durable_sequence() >= sequence || broken(); });
    return durable_sequence() >= sequence;
  }

  void request_stop() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_one();
  }

  // --- the committer's thread
  // Sleeps until woken or until the time is over. True if somebody asked for a commit.
  bool wait_for_work(std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, timeout, [&] { return wanted_ || stop_; });
    const bool wanted = wanted_ || stop_;
    wanted_ = false;
    return wanted;
  }

  bool stop_requested() {
    const std::lock_guard lock(mutex_);
    return stop_;
  }

  void set_durable(uint64_t sequence) {
    {
      const std::lock_guard lock(mutex_);
      durable_sequence_.store(sequence, std::memory_order_release);
      problem_.clear();
      failing_.store(false, std::memory_order_release);
    }
    commits_.fetch_add(1, std::memory_order_relaxed);
    durable_changed_.notify_all();
  }

  // A commit failed and is going to be tried again.
  void set_failing(const char* problem) noexcept {
    const std::lock_guard lock(mutex_);
    commit_errors_.fetch_add(1, std::memory_order_relaxed);
    failing_.store(true, std::memory_order_release);
    keep_text(problem_, problem);
  }

  // Nothing more can be recorded.
  void set_broken(const char* problem) noexcept {
    {
      const std::lock_guard lock(mutex_);
      broken_.store(true, std::memory_order_release);
      keep_text(problem_, problem);
    }
    durable_changed_.notify_all();
  }

  void add_lost(uint64_t events) { events_lost_.fetch_add(events, std::memory_order_relaxed); }

  // --- any thread
  uint64_t durable_sequence() const { return durable_sequence_.load(std::memory_order_acquire); }
  bool failing() const { return failing_.load(std::memory_order_acquire); }
  bool broken() const { return broken_.load(std::memory_order_acquire); }
  uint64_t commits() const { return commits_.load(std::memory_order_relaxed); }
  uint64_t commit_errors() const { return commit_errors_.load(std::memory_order_relaxed); }
  uint64_t events_lost() const { return events_lost_.load(std::memory_order_relaxed); }
  std::string problem() {
    const std::lock_guard lock(mutex_);
    return problem_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable durable_changed_;
  bool wanted_ = false;  // guarded by mutex_
  bool stop_ = false;    // guarded by mutex_
  std::string problem_;  // guarded by mutex_
  std::atomic<uint64_t> durable_sequence_{0};
  std::atomic<bool> failing_{false};
  std::atomic<bool> broken_{false};
  std::atomic<uint64_t> commits_{0};
  std::atomic<uint64_t> commit_errors_{0};
  std::atomic<uint64_t> events_lost_{0};
};

}  // namespace aimlog

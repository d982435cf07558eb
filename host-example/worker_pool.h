// Threads that train.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "host-example/training.h"

namespace example {

// Runs tasks in the order given, `size` at a time. The destructor waits for those under way and
// leaves the others undone.
class WorkerPool {
 public:
  explicit WorkerPool(int size);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // The next epoch of this training, which must live until the future is ready. What the epoch
  // throws comes out of the future.
  std::future<EpochReport> run_epoch(Training& training);

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable wake_;
  // Both under mutex_.
  std::deque<std::packaged_task<EpochReport()>> tasks_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace example

// SPDX-License-Identifier: Apache-2.0
#include "host-example/worker_pool.h"

#include <utility>

namespace example {

WorkerPool::WorkerPool(int size) {
  for (int i = 0; i < size; ++i) threads_.emplace_back([this] { work(); });
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::future<EpochReport> WorkerPool::run_epoch(Training& training) {
  std::packaged_task<EpochReport()> task([&training] { return training.run_epoch(); });
  std::future<EpochReport> report = task.get_future();
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
  return report;
}

void WorkerPool::work() {
  while (true) {
    std::packaged_task<EpochReport()> task;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return closing_ || !tasks_.empty(); });
      if (closing_) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace example

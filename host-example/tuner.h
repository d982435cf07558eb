// The tuning job itself: which trial trains where, and what is told to whom.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "host-example/announcer.h"
#include "host-example/clock.h"
#include "host-example/console.h"
#include "host-example/digits.h"
#include "host-example/job_state.h"
#include "host-example/scheduler.h"
#include "host-example/worker_pool.h"

namespace example {

// One loop on one thread: it starts trials in free places, waits for the epoch of one place after
// the other, tells the plugins, asks the scheduler. Training goes on in other threads meanwhile,
// but reports are taken in the order of the places, never in the order in which they are ready:
// so the seed alone fixes the order of events.
class Tuner {
 public:
  Tuner(const Options& options, JobState job, const Digits& digits, Clock& clock, Console& console,
        Announcer& announcer);

  // Until the job is done, or a signal or the time limit ends it before that; false then.
  bool run();

  const JobState& job() const { return job_; }

 private:
  // A place where one trial trains at a time.
  struct Place {
    std::size_t trial = 0;
    std::unique_ptr<Training> training;  // null = free
    std::future<EpochReport> epoch;
  };

  bool must_stop() const;
  bool is_busy() const;
  void fill_places();
  void start(Place& place, Trial& trial);
  void take_report(Place& place);
  void report(Trial& trial, const EpochReport& report);
  void after_result();
  void obey(Place& place, Trial& trial, Verdict verdict);
  void fail(Trial& trial, const std::string& what);
  void save_checkpoint(const Place& place, Trial& trial);
  void note_unsaved(const std::system_error& error);
  void close_paused();
  void save();
  void show_progress();

  const Options& options_;
  JobState job_;
  const Digits& digits_;
  Clock& clock_;
  Console& console_;
  Announcer& announcer_;
  Faults faults_;
  std::unique_ptr<Scheduler> scheduler_;
  std::chrono::steady_clock::time_point begin_;
  std::int64_t results_here_ = 0;  // in this process
  bool told_unsaved_ = false;
  // Checkpoints that no trial needs any more once the state saved says so.
  std::vector<std::string> obsolete_;
  std::vector<Place> places_;
  // After the places: its end waits for the epochs that run in them.
  WorkerPool pool_;
};

}  // namespace example

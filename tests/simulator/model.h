// What a repo must hold, told from the records that were published: the rules of runs and attempts
// once more, without a store.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "plugin/model/event.h"
#include "plugin/model/status.h"
#include "tests/simulator/ring_log.h"

namespace aimlog::sim {

struct ModelPoint {
  uint32_t attempt = 0;
  int64_t step = 0;
  int64_t time_ns = 0;
  int64_t value = 0;
  bool operator==(const ModelPoint&) const = default;
};

struct ModelRun {
  TrialStatus status = TrialStatus::pending;
  bool closed_by_us = false;
  uint32_t failures = 0;
  std::string error_text;
  std::vector<TrialStatus> attempts;
  std::vector<ModelPoint> points;
  uint64_t checkpoints = 0;

  // Not compared.
  uint64_t results = 0;      // of the newest attempt
  bool restored = false;     // it
  size_t journal = 0;        // of the newest attempt; 0 = none
  std::set<size_t> open_in;  // journals that close it when they are closed
};

struct ModelJob {
  std::map<TrialKey, std::string> trials;
  std::map<std::string, ModelRun> runs;  // by trial id
  bool ended = false;
};

struct ModelLosses {
  uint64_t dropped_results = 0, dropped_others = 0;
  uint64_t missing = 0;
  uint64_t undecodable_results = 0, undecodable_others = 0;
  bool operator==(const ModelLosses&) const = default;
};

class Model {
 public:
  // Applies what stands of a journal up to sequence number `last`. `journal` from 1.
  void apply(size_t journal, const RingLog& log, uint64_t last);
  // Of the records up to `last`.
  void learn_shapes(const RingLog& log, uint64_t last);
  // Its writer is dead, and this was seen; `in_order`: or it came to its end itself.
  void conclude(size_t journal, bool in_order);

  std::map<std::string, ModelJob> jobs;  // by the host's job id
  ModelLosses losses;

 private:
  struct Journal {
    ModelJob* job = nullptr;
    bool closed = false;
  };

  bool place(size_t journal, const Event& event);
  ModelRun* find(size_t journal, const TrialKey& trial);
  void begin_attempt(size_t journal, ModelRun& run);
  void go_on(size_t journal, ModelRun& run);
  void end_run(size_t journal, ModelRun& run, TrialStatus status, bool by_us);
  void close_open_runs(size_t journal, TrialStatus status);
  void place_start(size_t journal, ModelRun& run, const StartEvent& event);
  bool place_result(size_t journal, const ResultEvent& event);
  void place_end(size_t journal, ModelRun& run, const EndEvent& event);
  void place_failure(size_t journal, ModelRun& run, const FailureEvent& event);
  void end_experiment(size_t journal);

  std::map<size_t, Journal> journals_;
  std::map<Hash128, std::vector<std::string>> shapes_;
};

}  // namespace aimlog::sim

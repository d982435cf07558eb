// What the store's tables hold, as plain data. SCHEMA.md says how each row is laid out on disk.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plugin/base/bytes.h"
#include "plugin/model/ids.h"
#include "plugin/model/number.h"
#include "plugin/model/status.h"
#include "plugin/store/journal_rows.h"
#include "plugin/store/numbers.h"

namespace aimlog {

struct ExperimentRow {
  std::string name;
  int64_t created_ns = 0;
};

struct JobRow {
  ExperimentNumber experiment = 0;
  JobToken token{};  // the first token bound to it: run ids derive from it
  std::string host_job_id;
  int64_t created_ns = 0;
  int64_t ended_ns =
      0;  // of the last on_experiment_end; 0 = has not come since the job last went on
  bool interrupted = false;
  std::string machine;
  std::string experiment_dir;
  std::string host_name;
  std::string host_version;
  std::string metric_namespace;
  std::string metric;
  std::string mode;
  int64_t num_samples = 0;
  int64_t total_num_samples = 0;
  double time_budget_s = 0;
  Bytes stop;  // encoded value
  std::vector<std::string> tags;
  std::string description;
  // As ended_ns, while other instances still work on the job: it ends with the last of them.
  int64_t end_said_ns = 0;
};

struct RunRow {
  JobNumber job = 0;
  RunId id;
  std::string trial_id;
  std::string trial_name;
  std::string trainable_name;
  std::string experiment_tag;
  std::string local_dir;
  std::string remote_dir;
  TrialStatus status = TrialStatus::pending;
  int64_t created_ns = 0;
  int64_t ended_ns = 0;  // 0 = open
  // The status is our conclusion (stopped at the end of the job, crashed), not the host's word:
  // what the host says later wins.
  bool closed_by_us = false;
  uint32_t attempts = 0;
  uint32_t failures = 0;
  std::string error_text;  // of the newest failure
};

struct AttemptRow {
  TrialStatus status = TrialStatus::running;
  int64_t started_ns = 0;
  int64_t ended_ns = 0;       // 0 = open
  JournalNumber journal = 0;  // through which its newest event came
  uint32_t host_attempt = 0;
  bool restored = false;
  int64_t pid = 0;
  std::string node_ip;
  std::string checkpoint_path;  // it went on from
  std::string error_text;
  uint64_t sealed_results = 0;  // results of it that are in chunks
};

// One version of a run's params; the newest is the default view.
struct ParamsRow {
  int64_t time_ns = 0;
  uint32_t attempt = 0;
  Bytes params;  // encoded maps; empty = none given
  Bytes config;
};

struct CheckpointRow {
  int64_t time_ns = 0;
  uint32_t attempt = 0;
  bool saved = false;
  bool has_step = false;
  int64_t step = 0;
  std::string path;
};

// (metric, context) within a run.
struct SeriesKey {
  NameId name = 0;
  ContextId context = 0;
  auto operator<=>(const SeriesKey&) const = default;
};

// A text, list, null or other value that is no number: the last one, and how many there were.
struct ObjectRow {
  SeriesKey key;
  uint64_t count = 0;
  int64_t last_step = 0;
  Bytes last_value;  // encoded value
};

struct ShapeRow {
  Hash128 hash{};
  ContextId context = 0;
  std::vector<NameId> names;  // one a column
};

}  // namespace aimlog

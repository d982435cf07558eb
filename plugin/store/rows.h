// What the store's tables hold, as plain data. SCHEMA.md says how each row is laid out on disk.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plugin/base/bytes.h"
#include "plugin/model/ids.h"
#include "plugin/model/number.h"
#include "plugin/model/status.h"

namespace aimlog {

// Dense numbers local to a repo, from 1; 0 = none.
using ExperimentNumber = uint32_t;
using JobNumber = uint32_t;
using RunNumber = uint32_t;
using JournalNumber = uint32_t;  // in the order in which journals were first applied
using NameId = uint32_t;
using ContextId = uint32_t;  // 0 = no context
using ShapeNumber = uint32_t;

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

// A place in a ring; see journal/ring.h.
struct AppliedPosition {
  uint64_t sequence = 0;
  uint64_t offset = 0;
  bool operator==(const AppliedPosition&) const = default;
};

// A ring that is not yet wholly applied, or whose file is not yet removed.
struct JournalRow {
  JournalNumber number = 0;
  JobNumber job = 0;  // 0 until its session record is applied
  AppliedPosition applied;
  int64_t started_ns = 0;
  int64_t pid = 0;
  std::string machine;
  uint64_t next_tail = 0;
  bool closed = false;  // its close record was applied
};

// Stored on disk: never renumber.
enum class LossKind : uint8_t {
  dropped = 1,      // no room in the ring in time
  damaged = 2,      // journal records that could not be read back
  undecodable = 3,  // records whose shape or trial is unknown because of such damage
};

// Kept for ever: what is missing from the record of a job.
struct LossRow {
  LossKind kind = LossKind::dropped;
  JobNumber job = 0;
  JournalNumber journal = 0;
  int64_t first_ns = 0;
  int64_t last_ns = 0;
  uint64_t results = 0;
  uint64_t others = 0;
};

}  // namespace aimlog

// What the tracker tells the committer: the payloads of journal records.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "plugin/base/bytes.h"
#include "plugin/model/ids.h"
#include "plugin/model/status.h"

namespace aimlog {

// Stored on disk: never renumber.
enum class EventType : uint16_t {
  session = 1,         // whose ring this is: job, experiment, host
  trial = 2,           // binds a trial key to a trial id
  shape = 3,           // names and context of the columns of results
  start = 4,           // a trial's worker starts
  result = 5,          // see result_codec.h
  checkpoint = 6,      // a checkpoint was taken or saved
  end = 7,             // a trial completed, stopped or paused
  failure = 8,         // a trial failed, finally or to be retried
  experiment_end = 9,  // the job is over
  close = 10,          // the instance was destroyed in good order
  gap = 11,            // events were dropped for want of room
};

// Who records into this ring. The first record of every ring.
struct SessionEvent {
  JobToken token{};
  bool token_from_state = false;
  int32_t resumed = 2;  // as the ABI's tuner_resumed
  int64_t time_ns = 0;
  int64_t pid = 0;
  std::string machine;  // host name of the computer
  std::string experiment;
  std::string job_id;
  std::string experiment_dir;
  std::string host_name;
  std::string host_version;
  std::string metric_namespace;
  std::string metric;
  std::string mode;
  int64_t num_samples = 0;
  int64_t total_num_samples = 0;
  double time_budget_s = 0;
  Bytes stop;  // encoded value; empty = none
  std::vector<std::string> tags;
  std::string description;
};

struct TrialEvent {
  TrialKey trial{};
  std::string id;
};

struct ShapeEvent {
  Hash128 hash{};
  Bytes context;  // encoded map; empty = no context
  std::vector<std::string> names;
};

// The hash under which a shape goes: over context and names.
Hash128 shape_hash(ByteView context, const std::vector<std::string>& names);

struct StartEvent {
  TrialKey trial{};
  int64_t time_ns = 0;
  bool restored = false;  // from on_trial_restore
  TrialStatus host_status = TrialStatus::unknown;
  std::string name;
  std::string trainable_name;
  std::string experiment_tag;
  std::string local_dir;
  std::string remote_dir;
  std::string node_ip;
  int64_t pid = 0;
  uint32_t failure_count = 0;
  uint32_t host_attempt = 0;
  std::string checkpoint_path;
  Bytes params;  // encoded map; empty = unchanged
  Bytes config;
};

struct ResultEvent {
  TrialKey trial{};
  Hash128 shape{};
  ByteView result;  // see result_codec.h; borrowed
};

struct CheckpointEvent {
  TrialKey trial{};
  int64_t time_ns = 0;
  bool saved = false;  // on_trial_save, else on_checkpoint
  bool has_step = false;
  int64_t step = 0;
  std::string path;
};

struct EndEvent {
  TrialKey trial{};
  int64_t time_ns = 0;
  TrialStatus status = TrialStatus::completed;  // completed, stopped or paused
};

struct FailureEvent {
  TrialKey trial{};
  int64_t time_ns = 0;
  bool final = false;
  uint32_t failure_count = 0;  // 0 = the host did not say
  std::string error_text;
};

struct ExperimentEndEvent {
  int64_t time_ns = 0;
  bool interrupted = false;
};

struct CloseEvent {
  int64_t time_ns = 0;
};

struct GapEvent {
  int64_t first_ns = 0;  // when the first and the last of them were dropped
  int64_t last_ns = 0;
  uint64_t results = 0;
  uint64_t others = 0;
};

using Event =
    std::variant<SessionEvent, TrialEvent, ShapeEvent, StartEvent, ResultEvent, CheckpointEvent,
                 EndEvent, FailureEvent, ExperimentEndEvent, CloseEvent, GapEvent>;

}  // namespace aimlog

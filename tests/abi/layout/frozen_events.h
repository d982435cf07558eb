/* Events, streams, statistics and the table as they were when ABI version 1 was released. */
#ifndef FROZEN_EVENTS_H
#define FROZEN_EVENTS_H

#include "frozen_values.h"
struct frozen_trial_start_event {
  uint32_t size;
  uint32_t reserved;
  uint64_t trial_key;
  int64_t time_ns;
  const void* trial;
  struct frozen_string checkpoint_path;
};

struct frozen_trial_result_event {
  uint32_t size;
  uint32_t reserved;
  uint64_t trial_key;
  int64_t time_ns;
  struct frozen_string trial_id;
  const void* result;
};

struct frozen_checkpoint_event {
  uint32_t size;
  int32_t has_step;
  uint64_t trial_key;
  int64_t time_ns;
  struct frozen_string trial_id;
  struct frozen_string path;
  int64_t step;
};

struct frozen_trial_end_event {
  uint32_t size;
  int32_t status;
  uint64_t trial_key;
  int64_t time_ns;
  struct frozen_string trial_id;
};

struct frozen_trial_error_event {
  uint32_t size;
  uint32_t failure_count;
  uint64_t trial_key;
  int64_t time_ns;
  struct frozen_string trial_id;
  struct frozen_string error_text;
};

struct frozen_experiment_end_event {
  uint32_t size;
  int32_t interrupted;
  int64_t time_ns;
};

struct frozen_flush_event {
  uint32_t size;
  uint32_t timeout_ms;
};

struct frozen_output_stream {
  uint32_t size;
  uint32_t reserved;
  const void* stream_data;
  void (*write)(void);
};

struct frozen_input_stream {
  uint32_t size;
  uint32_t reserved;
  const void* stream_data;
  void (*read)(void);
};

struct frozen_stats {
  uint32_t size;
  int32_t health;
  uint64_t events;
  uint64_t results;
  uint64_t points;
  uint64_t events_dropped;
  uint64_t events_lost;
  uint64_t values_skipped;
  uint64_t values_cut;
  uint64_t texts_repaired;
  uint64_t keys_duplicated;
  uint64_t commits;
  uint64_t commit_errors;
  uint64_t events_pending;
  uint64_t pending_age_ms;
  uint64_t waits;
  uint64_t wait_ns_max;
  uint64_t journal_bytes;
  uint64_t journal_used_bytes;
  const void* message;
};

struct frozen_plugin {
  uint32_t size;
  uint32_t flags;
  uint32_t abi_min;
  uint32_t abi_max;
  const void* name;
  const void* version;
  void (*create)(void);
  void (*destroy)(void);
  void (*setup)(void);
  void (*on_step_begin)(void);
  void (*on_step_end)(void);
  void (*on_trial_start)(void);
  void (*on_trial_restore)(void);
  void (*on_trial_save)(void);
  void (*on_trial_result)(void);
  void (*on_trial_complete)(void);
  void (*on_trial_recover)(void);
  void (*on_trial_error)(void);
  void (*on_trial_pause)(void);
  void (*on_checkpoint)(void);
  void (*on_experiment_end)(void);
  void (*get_state)(void);
  void (*set_state)(void);
  void (*flush)(void);
  void (*get_stats)(void);
  void (*get_extension)(void);
};

struct frozen_entry_args {
  uint32_t size;
  uint32_t host_abi_min;
  uint32_t host_abi_max;
  uint32_t plugin_abi_min;
  uint32_t plugin_abi_max;
  uint32_t abi_chosen;
  struct frozen_string host_name;
  const void* error;
};

struct frozen_note {
  uint32_t name_size;
  uint32_t descriptor_size;
  uint32_t type;
  char owner[8];
  uint32_t abi_min;
  uint32_t abi_max;
  char name[32];
  char version[32];
};

#endif

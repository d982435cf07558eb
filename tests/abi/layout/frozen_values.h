/* Values, services, setup and trials as they were when ABI version 1 was released: plain types
 * only. */
#ifndef FROZEN_VALUES_H
#define FROZEN_VALUES_H

#include <stddef.h>
#include <stdint.h>

struct frozen_string {
  const char* data;
  uint64_t length;
};

struct frozen_value {
  int32_t tag;
  uint32_t reserved;
  union {
    int32_t boolean;
    int64_t int64;
    uint64_t uint64;
    double float64;
    struct frozen_string string;
    struct {
      const void* items;
      uint64_t count;
    } list;
    struct {
      const void* entries;
      uint64_t count;
    } map;
  } as;
};

struct frozen_error {
  uint32_t size;
  uint32_t capacity;
  const void* text;
  uint32_t length;
  uint32_t full_length;
};

struct frozen_entry {
  struct frozen_string key;
  struct frozen_value value;
};

struct frozen_host {
  uint32_t size;
  uint32_t reserved;
  const void* host_data;
  void (*log)(void);
  void (*log_enabled)(void);
  void (*get_extension)(void);
};

struct frozen_setting {
  struct frozen_string key;
  struct frozen_string value;
};

struct frozen_create_args {
  uint32_t size;
  uint32_t reserved;
  struct frozen_string config_path;
  struct frozen_string config_text;
  struct frozen_string base_dir;
  const void* settings;
  uint64_t setting_count;
  const void* host;
};

struct frozen_setup_event {
  uint32_t size;
  int32_t resumed;
  struct frozen_string job_id;
  struct frozen_string experiment_name;
  struct frozen_string experiment_dir;
  struct frozen_string host_name;
  struct frozen_string host_version;
  struct frozen_string metric_namespace;
  const void* reserved_keys;
  uint64_t reserved_key_count;
  const void* stop;
  int64_t num_samples;
  int64_t total_num_samples;
  double time_budget_s;
  struct frozen_string metric;
  struct frozen_string mode;
};

struct frozen_step_event {
  uint32_t size;
  uint32_t reserved;
  int64_t iteration;
};

struct frozen_trial {
  uint32_t size;
  int32_t status;
  struct frozen_string id;
  struct frozen_string name;
  struct frozen_string trainable_name;
  struct frozen_string experiment_tag;
  struct frozen_string local_dir;
  struct frozen_string remote_dir;
  struct frozen_string node_ip;
  int64_t pid;
  uint32_t failure_count;
  uint32_t attempt;
  const void* params;
  const void* config;
};

#endif

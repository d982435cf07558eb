/* Compares the header with a second declaration of every struct, field by field: name, offset and
 * size. */
#include <stdio.h>

#include "frozen_events.h"
#include "tuner_plugin.h"

static int differences = 0;
static int is_planted = 0; /* comparing what is known to differ */

static void compare(const char* what, size_t ours, size_t frozen) {
  if (ours == frozen) return;
  differences += 1;
  if (is_planted) return;
  printf("%s: %zu in the header, frozen as %zu\n", what, ours, frozen);
}

#define SIZE(name) compare("size of " #name, sizeof(tuner_##name), sizeof(struct frozen_##name))
#define FIELD(name, field)                                                  \
  do {                                                                      \
    compare("offset of " #name "." #field, offsetof(tuner_##name, field),   \
            offsetof(struct frozen_##name, field));                         \
    compare("size of " #name "." #field, sizeof(((tuner_##name*)0)->field), \
            sizeof(((struct frozen_##name*)0)->field));                     \
  } while (0)

static void compare_values(void) {
  SIZE(string);
  FIELD(string, data);
  FIELD(string, length);
  SIZE(error);
  FIELD(error, size);
  FIELD(error, capacity);
  FIELD(error, text);
  FIELD(error, length);
  FIELD(error, full_length);
  SIZE(value);
  FIELD(value, tag);
  FIELD(value, reserved);
  FIELD(value, as);
  SIZE(entry);
  FIELD(entry, key);
  FIELD(entry, value);
  SIZE(host);
  FIELD(host, size);
  FIELD(host, reserved);
  FIELD(host, host_data);
  FIELD(host, log);
  FIELD(host, log_enabled);
  FIELD(host, get_extension);
  SIZE(setting);
  FIELD(setting, key);
  FIELD(setting, value);
  SIZE(create_args);
  FIELD(create_args, size);
  FIELD(create_args, reserved);
  FIELD(create_args, config_path);
  FIELD(create_args, config_text);
  FIELD(create_args, base_dir);
  FIELD(create_args, settings);
  FIELD(create_args, setting_count);
  FIELD(create_args, host);
}

static void compare_events(void) {
  SIZE(setup_event);
  FIELD(setup_event, size);
  FIELD(setup_event, resumed);
  FIELD(setup_event, job_id);
  FIELD(setup_event, experiment_name);
  FIELD(setup_event, experiment_dir);
  FIELD(setup_event, host_name);
  FIELD(setup_event, host_version);
  FIELD(setup_event, metric_namespace);
  FIELD(setup_event, reserved_keys);
  FIELD(setup_event, reserved_key_count);
  FIELD(setup_event, stop);
  FIELD(setup_event, num_samples);
  FIELD(setup_event, total_num_samples);
  FIELD(setup_event, time_budget_s);
  FIELD(setup_event, metric);
  FIELD(setup_event, mode);
  SIZE(step_event);
  FIELD(step_event, size);
  FIELD(step_event, reserved);
  FIELD(step_event, iteration);
  SIZE(trial);
  FIELD(trial, size);
  FIELD(trial, status);
  FIELD(trial, id);
  FIELD(trial, name);
  FIELD(trial, trainable_name);
  FIELD(trial, experiment_tag);
  FIELD(trial, local_dir);
  FIELD(trial, remote_dir);
  FIELD(trial, node_ip);
  FIELD(trial, pid);
  FIELD(trial, failure_count);
  FIELD(trial, attempt);
  FIELD(trial, params);
  FIELD(trial, config);
  SIZE(trial_start_event);
  FIELD(trial_start_event, size);
  FIELD(trial_start_event, reserved);
  FIELD(trial_start_event, trial_key);
  FIELD(trial_start_event, time_ns);
  FIELD(trial_start_event, trial);
  FIELD(trial_start_event, checkpoint_path);
  SIZE(trial_result_event);
  FIELD(trial_result_event, size);
  FIELD(trial_result_event, reserved);
  FIELD(trial_result_event, trial_key);
  FIELD(trial_result_event, time_ns);
  FIELD(trial_result_event, trial_id);
  FIELD(trial_result_event, result);
}

static void compare_more_events(void) {
  SIZE(checkpoint_event);
  FIELD(checkpoint_event, size);
  FIELD(checkpoint_event, has_step);
  FIELD(checkpoint_event, trial_key);
  FIELD(checkpoint_event, time_ns);
  FIELD(checkpoint_event, trial_id);
  FIELD(checkpoint_event, path);
  FIELD(checkpoint_event, step);
  SIZE(trial_end_event);
  FIELD(trial_end_event, size);
  FIELD(trial_end_event, status);
  FIELD(trial_end_event, trial_key);
  FIELD(trial_end_event, time_ns);
  FIELD(trial_end_event, trial_id);
  SIZE(trial_error_event);
  FIELD(trial_error_event, size);
  FIELD(trial_error_event, failure_count);
  FIELD(trial_error_event, trial_key);
  FIELD(trial_error_event, time_ns);
  FIELD(trial_error_event, trial_id);
  FIELD(trial_error_event, error_text);
  SIZE(experiment_end_event);
  FIELD(experiment_end_event, size);
  FIELD(experiment_end_event, interrupted);
  FIELD(experiment_end_event, time_ns);
  SIZE(flush_event);
  FIELD(flush_event, size);
  FIELD(flush_event, timeout_ms);
  SIZE(output_stream);
  FIELD(output_stream, size);
  FIELD(output_stream, reserved);
  FIELD(output_stream, stream_data);
  FIELD(output_stream, write);
  SIZE(input_stream);
  FIELD(input_stream, size);
  FIELD(input_stream, reserved);
  FIELD(input_stream, stream_data);
  FIELD(input_stream, read);
}

static void compare_stats_and_notes(void) {
  SIZE(stats);
  FIELD(stats, size);
  FIELD(stats, health);
  FIELD(stats, events);
  FIELD(stats, results);
  FIELD(stats, points);
  FIELD(stats, events_dropped);
  FIELD(stats, events_lost);
  FIELD(stats, values_skipped);
  FIELD(stats, values_cut);
  FIELD(stats, texts_repaired);
  FIELD(stats, keys_duplicated);
  FIELD(stats, commits);
  FIELD(stats, commit_errors);
  FIELD(stats, events_pending);
  FIELD(stats, pending_age_ms);
  FIELD(stats, waits);
  FIELD(stats, wait_ns_max);
  FIELD(stats, journal_bytes);
  FIELD(stats, journal_used_bytes);
  FIELD(stats, message);
  SIZE(entry_args);
  FIELD(entry_args, size);
  FIELD(entry_args, host_abi_min);
  FIELD(entry_args, host_abi_max);
  FIELD(entry_args, plugin_abi_min);
  FIELD(entry_args, plugin_abi_max);
  FIELD(entry_args, abi_chosen);
  FIELD(entry_args, host_name);
  FIELD(entry_args, error);
  SIZE(note);
  FIELD(note, name_size);
  FIELD(note, descriptor_size);
  FIELD(note, type);
  FIELD(note, owner);
  FIELD(note, abi_min);
  FIELD(note, abi_max);
  FIELD(note, name);
  FIELD(note, version);
}

static void compare_table(void) {
  SIZE(plugin);
  FIELD(plugin, size);
  FIELD(plugin, flags);
  FIELD(plugin, abi_min);
  FIELD(plugin, abi_max);
  FIELD(plugin, name);
  FIELD(plugin, version);
  FIELD(plugin, create);
  FIELD(plugin, destroy);
  FIELD(plugin, setup);
  FIELD(plugin, on_step_begin);
  FIELD(plugin, on_step_end);
  FIELD(plugin, on_trial_start);
  FIELD(plugin, on_trial_restore);
  FIELD(plugin, on_trial_save);
  FIELD(plugin, on_trial_result);
  FIELD(plugin, on_trial_complete);
  FIELD(plugin, on_trial_recover);
  FIELD(plugin, on_trial_error);
  FIELD(plugin, on_trial_pause);
  FIELD(plugin, on_checkpoint);
  FIELD(plugin, on_experiment_end);
  FIELD(plugin, get_state);
  FIELD(plugin, set_state);
  FIELD(plugin, flush);
  FIELD(plugin, get_stats);
  FIELD(plugin, get_extension);
}

/* A planted fault: a field that moved and one that grew must be noticed. */
struct frozen_planted {
  uint32_t a;
  uint32_t b;
};
typedef struct tuner_planted {
  uint64_t a;
  uint32_t b;
} tuner_planted;

int main(void) {
  is_planted = 1;
  FIELD(planted, a);
  FIELD(planted, b);
  if (differences != 2) return 2;
  is_planted = 0;
  differences = 0;
  compare_values();
  compare_events();
  compare_more_events();
  compare_stats_and_notes();
  compare_table();
  return differences == 0 ? 0 : 1;
}

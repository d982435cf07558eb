/* A complete plugin in plain C: appends each event of a tuning job to a file, one JSON line each.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * Copy it to begin a plugin of your own. Configuration: one line, `path: FILE` (the setting "path"
 * wins; without any, events.jsonl). A line is written with one write(2) before its hook returns, so
 * that killing the process loses nothing that was acknowledged. The file is appended to, also by
 * several instances at once; `seq` counts the events of one job, over all its resumes.
 */
#define _POSIX_C_SOURCE 200809L
#define TUNER_PLUGIN_IMPLEMENTATION
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "event_file.h"
#include "json_line.h"
#include "jsonl_config.h"
#include "jsonl_state.h"
#include "plugin_basics.h"
#include "tuner_plugin.h"

TUNER_PLUGIN_NOTE("jsonl", "1.0");

struct tuner_instance {
  tuner_host host; /* our size of it, zeros where the host's is smaller */
  pid_t owner;     /* a forked child must not write into its parent's file */
  event_file file;
  int is_used;    /* a hook has come: too late for set_state */
  int is_set_up;  /* setup has come: once is enough */
  int last_error; /* errno of the last line, 0 if it was written */
  json_line line;
  uint64_t seq;
  tuner_stats stats;
};

static void say(tuner_instance* self, tuner_log_level level, const char* text) {
  const tuner_host* host = &self->host;
  tuner_string message = {text, strlen(text)};
  if (host->log == NULL) return;
  if (host->log_enabled != NULL && !host->log_enabled(host->host_data, level)) return;
  host->log(host->host_data, level, message);
}

/* The checks that begin each call. */
static tuner_status enter(tuner_instance* self, tuner_error* error) {
  clear_error(error);
  if (self == NULL) return fail(error, TUNER_INVALID_ARGUMENT, "the instance is NULL");
  if (self->owner != getpid()) {
    return fail(error, TUNER_INERT, "jsonl: called in a forked child: nothing was done");
  }
  return TUNER_OK;
}

#define ENTER(self, error)                     \
  do {                                         \
    tuner_status entered = enter(self, error); \
    if (entered != TUNER_OK) return entered;   \
  } while (0)

#define ENTER_EVENT(self, error, event, given, least)                                        \
  do {                                                                                       \
    ENTER(self, error);                                                                      \
    if (!READ(event, given, least)) {                                                        \
      return fail(error, TUNER_INVALID_ARGUMENT, "the event is NULL or its size too small"); \
    }                                                                                        \
  } while (0)

/* ---- Writing lines ---- */

static void begin_line(tuner_instance* self, const char* event, int64_t time_ns) {
  self->is_used = 1;
  self->seq += 1;
  self->stats.events += 1;
  json_line_begin(&self->line);
  json_line_string(&self->line, "event", (tuner_string){event, strlen(event)});
  json_line_uint(&self->line, "seq", self->seq);
  json_line_int(&self->line, "time_ns", time_ns);
}

static tuner_status end_line(tuner_instance* self, tuner_error* error) {
  json_line* line = &self->line;
  json_line_end(line);
  int problem =
      line->out_of_memory ? ENOMEM : event_file_append(&self->file, line->text, line->length);
  int is_news = problem != self->last_error;
  self->last_error = problem;
  if (problem == 0) return TUNER_OK;
  if (is_news) say(self, TUNER_LOG_ERROR, strerror(problem));
  self->stats.events_dropped += 1;
  return fail(error, TUNER_DROPPED, "jsonl: an event was lost: %s", strerror(problem));
}

/* The fields that events of one trial share. */
static tuner_status begin_trial_line(tuner_instance* self, const char* event, int64_t time_ns,
                                     tuner_string trial_id, uint64_t trial_key,
                                     tuner_error* error) {
  if (trial_id.data == NULL || trial_id.length == 0) {
    return fail(error, TUNER_INVALID_ARGUMENT, "the event has no trial id");
  }
  begin_line(self, event, time_ns);
  json_line_string(&self->line, "trial_id", trial_id);
  json_line_uint_if(&self->line, "trial_key", trial_key);
  return TUNER_OK;
}

/* ---- Life ---- */

static tuner_status TUNER_CALL create(const tuner_create_args* given, tuner_instance** instance,
                                      tuner_error* error) {
  tuner_create_args args;
  char path[JSONL_PATH_MAX], problem[JSONL_PROBLEM_MAX];
  if (instance == NULL) return fail(error, TUNER_INVALID_ARGUMENT, "no place for the instance");
  *instance = NULL;
  if (!READ(args, given, TUNER_CREATE_ARGS_SIZE_1)) {
    return fail(error, TUNER_INVALID_ARGUMENT, "the arguments are NULL or their size too small");
  }
  if (args.config_path.length > 0 && args.config_text.length > 0) {
    return fail(error, TUNER_INVALID_CONFIG, "give config_path or config_text, not both");
  }
  if (!jsonl_config_path(&args, path, problem)) {
    return fail(error, TUNER_INVALID_CONFIG, "%s", problem);
  }
  tuner_instance* self = calloc(1, sizeof *self);
  if (self == NULL) return fail(error, TUNER_OUT_OF_MEMORY, "no memory for an instance");
  self->owner = getpid();
  if (args.host != NULL && !READ(self->host, args.host, TUNER_HOST_SIZE_1)) {
    free(self);
    return fail(error, TUNER_INVALID_ARGUMENT, "the size of the host's services is too small");
  }
  int open_error = event_file_open(&self->file, path);
  if (open_error != 0) {
    free(self);
    return fail(error, TUNER_INVALID_CONFIG, "cannot open %s: %s", path, strerror(open_error));
  }
  say(self, TUNER_LOG_INFO, path);
  *instance = self;
  return TUNER_OK;
}

static tuner_status TUNER_CALL destroy(tuner_instance* self, tuner_error* error) {
  if (self == NULL) return TUNER_OK;
  ENTER(self, error);
  int problem = event_file_sync(&self->file);
  event_file_close(&self->file);
  free(self->line.text);
  free(self);
  if (problem == 0) return TUNER_OK;
  return fail(error, TUNER_NOT_DURABLE, "jsonl: fsync: %s", strerror(problem));
}

static tuner_status TUNER_CALL get_state(tuner_instance* self, const tuner_output_stream* given,
                                         tuner_error* error) {
  tuner_output_stream stream;
  ENTER_EVENT(self, error, stream, given, TUNER_OUTPUT_STREAM_SIZE_1);
  return write_state(&stream, self->seq, error);
}

static tuner_status TUNER_CALL set_state(tuner_instance* self, const tuner_input_stream* given,
                                         tuner_error* error) {
  tuner_input_stream stream;
  ENTER_EVENT(self, error, stream, given, TUNER_INPUT_STREAM_SIZE_1);
  if (self->is_used) return fail(error, TUNER_WRONG_STATE, "set_state comes before any hook");
  return read_state(&stream, &self->seq, error);
}

static tuner_status TUNER_CALL flush(tuner_instance* self, const tuner_flush_event* given,
                                     tuner_error* error) {
  tuner_flush_event event;
  ENTER_EVENT(self, error, event, given, TUNER_FLUSH_EVENT_SIZE_1);
  int problem = event_file_sync(&self->file);
  if (problem == 0) {
    self->stats.commits += 1;
    return TUNER_OK;
  }
  self->stats.commit_errors += 1;
  return fail(error, TUNER_NOT_DURABLE, "jsonl: fsync: %s", strerror(problem));
}

/* Never writes past the size that the host gave. */
static tuner_status TUNER_CALL get_stats(tuner_instance* self, tuner_stats* given,
                                         tuner_error* error) {
  tuner_stats asked, stats;
  ENTER_EVENT(self, error, asked, given, TUNER_STATS_SIZE_1);
  stats = self->stats;
  stats.size = asked.size;
  stats.message = asked.message;
  stats.health = stats.events_dropped > 0 ? TUNER_HEALTH_DEGRADED : TUNER_HEALTH_OK;
  stats.values_skipped = self->line.nodes_skipped;
  stats.texts_repaired = self->line.texts_repaired;
  stats.events_pending = self->file.pending;
  stats.pending_age_ms = event_file_pending_age_ms(&self->file);
  memcpy(given, &stats, asked.size < sizeof stats ? asked.size : sizeof stats);
  clear_error(stats.message);
  if (stats.events_dropped == 0) return TUNER_OK;
  return fail(stats.message, TUNER_OK, "jsonl: %llu events could not be written",
              (unsigned long long)stats.events_dropped);
}

/* ---- Hooks ---- */

static tuner_status TUNER_CALL setup(tuner_instance* self, const tuner_setup_event* given,
                                     tuner_error* error) {
  tuner_setup_event event;
  ENTER_EVENT(self, error, event, given, TUNER_SETUP_EVENT_SIZE_1);
  if (self->is_set_up) return fail(error, TUNER_WRONG_STATE, "setup comes once");
  self->is_set_up = 1;
  tuner_value budget = {.tag = TUNER_TAG_DOUBLE, .as = {.float64 = event.time_budget_s}};
  json_line* line = &self->line;
  begin_line(self, "setup", 0);
  json_line_int(line, "resumed", event.resumed);
  json_line_string_if(line, "job_id", event.job_id);
  json_line_string_if(line, "experiment_name", event.experiment_name);
  json_line_string_if(line, "experiment_dir", event.experiment_dir);
  json_line_string_if(line, "host_name", event.host_name);
  json_line_string_if(line, "host_version", event.host_version);
  json_line_string_if(line, "metric_namespace", event.metric_namespace);
  json_line_strings_if(line, "reserved_keys", event.reserved_keys, event.reserved_key_count);
  json_line_value_if(line, "stop", event.stop);
  json_line_int_if(line, "num_samples", event.num_samples);
  json_line_int_if(line, "total_num_samples", event.total_num_samples);
  if (event.time_budget_s != 0) json_line_value(line, "time_budget_s", &budget);
  json_line_string_if(line, "metric", event.metric);
  json_line_string_if(line, "mode", event.mode);
  return end_line(self, error);
}

static tuner_status step(tuner_instance* self, const char* name, const tuner_step_event* given,
                         tuner_error* error) {
  tuner_step_event event;
  ENTER_EVENT(self, error, event, given, TUNER_STEP_EVENT_SIZE_1);
  begin_line(self, name, 0);
  json_line_int(&self->line, "iteration", event.iteration);
  return end_line(self, error);
}

static tuner_status start(tuner_instance* self, const char* name,
                          const tuner_trial_start_event* given, tuner_error* error) {
  tuner_trial_start_event event;
  tuner_trial trial;
  json_line* line = &self->line;
  ENTER_EVENT(self, error, event, given, TUNER_TRIAL_START_EVENT_SIZE_1);
  if (!READ(trial, event.trial, TUNER_TRIAL_SIZE_1)) {
    return fail(error, TUNER_INVALID_ARGUMENT, "the trial is NULL or its size too small");
  }
  tuner_status begun =
      begin_trial_line(self, name, event.time_ns, trial.id, event.trial_key, error);
  if (begun != TUNER_OK) return begun;
  json_line_string_if(line, "checkpoint_path", event.checkpoint_path);
  json_line_int_if(line, "status", trial.status);
  json_line_string_if(line, "name", trial.name);
  json_line_string_if(line, "trainable_name", trial.trainable_name);
  json_line_string_if(line, "experiment_tag", trial.experiment_tag);
  json_line_string_if(line, "local_dir", trial.local_dir);
  json_line_string_if(line, "remote_dir", trial.remote_dir);
  json_line_string_if(line, "node_ip", trial.node_ip);
  json_line_int_if(line, "pid", trial.pid);
  json_line_uint_if(line, "failure_count", trial.failure_count);
  json_line_uint_if(line, "attempt", trial.attempt);
  json_line_value_if(line, "params", trial.params);
  json_line_value_if(line, "config", trial.config);
  return end_line(self, error);
}

static tuner_status TUNER_CALL on_trial_result(tuner_instance* self,
                                               const tuner_trial_result_event* given,
                                               tuner_error* error) {
  tuner_trial_result_event event;
  ENTER_EVENT(self, error, event, given, TUNER_TRIAL_RESULT_EVENT_SIZE_1);
  if (event.result == NULL || event.result->tag != TUNER_TAG_MAP) {
    return fail(error, TUNER_INVALID_ARGUMENT, "a result is a map");
  }
  tuner_status begun =
      begin_trial_line(self, "trial_result", event.time_ns, event.trial_id, event.trial_key, error);
  if (begun != TUNER_OK) return begun;
  json_line_value(&self->line, "result", event.result);
  self->stats.results += 1;
  tuner_status ended = end_line(self, error);
  if (ended == TUNER_OK) self->stats.points += self->line.numbers;
  return ended;
}

static tuner_status checkpoint(tuner_instance* self, const char* name,
                               const tuner_checkpoint_event* given, tuner_error* error) {
  tuner_checkpoint_event event;
  ENTER_EVENT(self, error, event, given, TUNER_CHECKPOINT_EVENT_SIZE_1);
  tuner_status begun =
      begin_trial_line(self, name, event.time_ns, event.trial_id, event.trial_key, error);
  if (begun != TUNER_OK) return begun;
  json_line_string_if(&self->line, "path", event.path);
  if (event.has_step != 0) json_line_int(&self->line, "step", event.step);
  return end_line(self, error);
}

static tuner_status end(tuner_instance* self, const char* name, const tuner_trial_end_event* given,
                        tuner_error* error) {
  tuner_trial_end_event event;
  ENTER_EVENT(self, error, event, given, TUNER_TRIAL_END_EVENT_SIZE_1);
  tuner_status begun =
      begin_trial_line(self, name, event.time_ns, event.trial_id, event.trial_key, error);
  if (begun != TUNER_OK) return begun;
  json_line_int_if(&self->line, "status", event.status);
  return end_line(self, error);
}

static tuner_status failure(tuner_instance* self, const char* name,
                            const tuner_trial_error_event* given, tuner_error* error) {
  tuner_trial_error_event event;
  ENTER_EVENT(self, error, event, given, TUNER_TRIAL_ERROR_EVENT_SIZE_1);
  tuner_status begun =
      begin_trial_line(self, name, event.time_ns, event.trial_id, event.trial_key, error);
  if (begun != TUNER_OK) return begun;
  json_line_uint_if(&self->line, "failure_count", event.failure_count);
  json_line_string_if(&self->line, "error_text", event.error_text);
  return end_line(self, error);
}

static tuner_status TUNER_CALL on_experiment_end(tuner_instance* self,
                                                 const tuner_experiment_end_event* given,
                                                 tuner_error* error) {
  tuner_experiment_end_event event;
  ENTER_EVENT(self, error, event, given, TUNER_EXPERIMENT_END_EVENT_SIZE_1);
  begin_line(self, "experiment_end", event.time_ns);
  json_line_int(&self->line, "interrupted", event.interrupted);
  return end_line(self, error);
}

/* Hooks that differ in nothing but their name in the line. */
#define HOOK(NAME, EVENT, WRITER)                                                    \
  static tuner_status TUNER_CALL on_##NAME(tuner_instance* self, const EVENT* event, \
                                           tuner_error* error) {                     \
    return WRITER(self, #NAME, event, error);                                        \
  }
HOOK(step_begin, tuner_step_event, step)
HOOK(step_end, tuner_step_event, step)
HOOK(trial_start, tuner_trial_start_event, start)
HOOK(trial_restore, tuner_trial_start_event, start)
HOOK(trial_save, tuner_checkpoint_event, checkpoint)
HOOK(checkpoint, tuner_checkpoint_event, checkpoint)
HOOK(trial_complete, tuner_trial_end_event, end)
HOOK(trial_pause, tuner_trial_end_event, end)
HOOK(trial_recover, tuner_trial_error_event, failure)
HOOK(trial_error, tuner_trial_error_event, failure)

static const tuner_plugin plugin = {
    .size = sizeof(tuner_plugin),
    .flags = TUNER_FLAG_UNLOAD_SAFE,
    .abi_min = TUNER_ABI_VERSION_MIN,
    .abi_max = TUNER_ABI_VERSION_MAX,
    .name = "jsonl",
    .version = "1.0",
    .create = create,
    .destroy = destroy,
    .setup = setup,
    .on_step_begin = on_step_begin,
    .on_step_end = on_step_end,
    .on_trial_start = on_trial_start,
    .on_trial_restore = on_trial_restore,
    .on_trial_save = on_trial_save,
    .on_trial_result = on_trial_result,
    .on_trial_complete = on_trial_complete,
    .on_trial_recover = on_trial_recover,
    .on_trial_error = on_trial_error,
    .on_trial_pause = on_trial_pause,
    .on_checkpoint = on_checkpoint,
    .on_experiment_end = on_experiment_end,
    .get_state = get_state,
    .set_state = set_state,
    .flush = flush,
    .get_stats = get_stats,
};

const tuner_plugin* TUNER_CALL tuner_plugin_entry(tuner_entry_args* args) {
  if (args == NULL || args->size < TUNER_ENTRY_ARGS_SIZE_1) return NULL;
  return negotiate(args, plugin.name) ? &plugin : NULL;
}

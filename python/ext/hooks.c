/* SPDX-License-Identifier: Apache-2.0 */
#include "python/ext/hooks.h"

#include <stddef.h>
#include <time.h>

#include "python/ext/fields.h"

/* ---- Arguments of the methods ---- */

#define AT(member) offsetof(hook_event, member)
#define TRIAL_FIELDS(event)                                                                      \
  {"trial_id", field_text, AT(as.event.trial_id)}, {"key", field_u64, AT(as.event.trial_key)}, { \
    "time_ns", field_i64, AT(as.event.time_ns)                                                   \
  }

static const field setup_fields[] = {
    {"resumed", field_i32, AT(as.setup.resumed)},
    {"job_id", field_text, AT(as.setup.job_id)},
    {"experiment_name", field_text, AT(as.setup.experiment_name)},
    {"experiment_dir", field_path, AT(as.setup.experiment_dir)},
    {"host_name", field_text, AT(as.setup.host_name)},
    {"host_version", field_text, AT(as.setup.host_version)},
    {"metric_namespace", field_text, AT(as.setup.metric_namespace)},
    {"reserved_keys", field_texts, AT(as.setup.reserved_keys)},
    {"stop", field_value, AT(as.setup.stop)},
    {"num_samples", field_i64, AT(as.setup.num_samples)},
    {"total_num_samples", field_i64, AT(as.setup.total_num_samples)},
    {"time_budget_s", field_f64, AT(as.setup.time_budget_s)},
    {"metric", field_text, AT(as.setup.metric)},
    {"mode", field_text, AT(as.setup.mode)},
};
static const field step_fields[] = {{"iteration", field_i64, AT(as.step.iteration)}};
static const field start_fields[] = {
    {"trial_id", field_text, AT(trial.id)},
    {"key", field_u64, AT(as.start.trial_key)},
    {"time_ns", field_i64, AT(as.start.time_ns)},
    {"status", field_i32, AT(trial.status)},
    {"name", field_text, AT(trial.name)},
    {"trainable_name", field_text, AT(trial.trainable_name)},
    {"experiment_tag", field_text, AT(trial.experiment_tag)},
    {"local_dir", field_path, AT(trial.local_dir)},
    {"remote_dir", field_path, AT(trial.remote_dir)},
    {"node_ip", field_text, AT(trial.node_ip)},
    {"pid", field_i64, AT(trial.pid)},
    {"failure_count", field_u32, AT(trial.failure_count)},
    {"attempt", field_u32, AT(trial.attempt)},
    {"params", field_map, AT(trial.params)},
    {"config", field_map, AT(trial.config)},
    {"checkpoint_path", field_path, AT(as.start.checkpoint_path)},
};
static const field checkpoint_fields[] = {
    TRIAL_FIELDS(checkpoint),
    {"path", field_path, AT(as.checkpoint.path)},
    {"step", field_step, AT(as.checkpoint.step)},
};
static const field end_fields[] = {
    TRIAL_FIELDS(end),
    {"status", field_i32, AT(as.end.status)},
};
static const field failure_fields[] = {
    TRIAL_FIELDS(failure),
    {"failure_count", field_u32, AT(as.failure.failure_count)},
    {"error_text", field_text, AT(as.failure.error_text)},
};
static const field job_end_fields[] = {
    {"interrupted", field_flag, AT(as.job_end.interrupted)},
    {"time_ns", field_i64, AT(as.job_end.time_ns)},
};
static const field flush_fields[] = {{"timeout_ms", field_u32, AT(as.flush.timeout_ms)}};

#define LIST(name, event, fields, positional, needs_first) \
  { {name, fields, sizeof fields / sizeof *fields, positional, needs_first}, sizeof(event) }
/* In the order of hook_id. */
static const struct {
  field_list arguments;
  uint32_t event_size;
} methods[] = {
    LIST("setup", tuner_setup_event, setup_fields, 0, 0),
    LIST("step_begin", tuner_step_event, step_fields, 1, 1),
    LIST("step_end", tuner_step_event, step_fields, 1, 1),
    LIST("trial_start", tuner_trial_start_event, start_fields, 1, 1),
    LIST("trial_restore", tuner_trial_start_event, start_fields, 1, 1),
    LIST("trial_save", tuner_checkpoint_event, checkpoint_fields, 1, 1),
    LIST("trial_complete", tuner_trial_end_event, end_fields, 1, 1),
    LIST("trial_recover", tuner_trial_error_event, failure_fields, 1, 1),
    LIST("trial_error", tuner_trial_error_event, failure_fields, 1, 1),
    LIST("trial_pause", tuner_trial_end_event, end_fields, 1, 1),
    LIST("checkpoint", tuner_checkpoint_event, checkpoint_fields, 1, 1),
    LIST("experiment_end", tuner_experiment_end_event, job_end_fields, 0, 0),
    LIST("flush", tuner_flush_event, flush_fields, 1, 0),
};

/* ---- The call ---- */

#define CALL(slot, event) \
  (TUNER_HAS(table, slot) ? table->slot(self->instance, &told->as.event, &self->error) : TUNER_OK)

static tuner_status dispatch(plugin_object* self, hook_id id, const hook_event* told) {
  const tuner_plugin* table = self->lib.table;
  switch (id) {
    case hook_setup:
      return CALL(setup, setup);
    case hook_step_begin:
      return CALL(on_step_begin, step);
    case hook_step_end:
      return CALL(on_step_end, step);
    case hook_trial_start:
      return CALL(on_trial_start, start);
    case hook_trial_restore:
      return CALL(on_trial_restore, start);
    case hook_trial_save:
      return CALL(on_trial_save, checkpoint);
    case hook_trial_result:
      return CALL(on_trial_result, result);
    case hook_trial_complete:
      return CALL(on_trial_complete, end);
    case hook_trial_recover:
      return CALL(on_trial_recover, failure);
    case hook_trial_error:
      return CALL(on_trial_error, failure);
    case hook_trial_pause:
      return CALL(on_trial_pause, end);
    case hook_checkpoint:
      return CALL(on_checkpoint, checkpoint);
    case hook_experiment_end:
      return CALL(on_experiment_end, job_end);
    case hook_flush:
      return CALL(flush, flush);
  }
  return TUNER_UNKNOWN;
}

/* Whether a hook waits for something is not known before it does: a disk, room in a full journal.
 * Two long calls in a row, or one very long one, and the next ones release the GIL, until a number
 * of them was short. Releasing it always would cost milliseconds beside a busy thread. */
enum { long_call_us = 500, very_long_call_us = 10000, releases_after_long_call = 100 };

static int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void learn(plugin_object* self, int64_t duration_us) {
  int is_long = duration_us >= long_call_us;
  int is_second = is_long && self->was_long;
  if (is_second || duration_us >= very_long_call_us) {
    self->releases = releases_after_long_call;
  } else if (self->releases > 0) {
    self->releases -= 1;
  }
  self->was_long = is_long;
}

tuner_status hook_call(plugin_object* self, hook_id id, const hook_event* event) {
  tuner_status status;
  int may_take_time = id == hook_setup || id == hook_flush;
  self->error.length = 0;
  int64_t begun = now_us();
  if (may_take_time || self->always_releases || self->releases > 0) {
    Py_BEGIN_ALLOW_THREADS;
    status = dispatch(self, id, event);
    if (!may_take_time) learn(self, now_us() - begun);
    Py_END_ALLOW_THREADS;
  } else {
    status = dispatch(self, id, event);
    learn(self, now_us() - begun);
  }
  return status;
}

PyObject* hook_finish(plugin_object* self, hook_id id, value_tree* tree, const hook_event* event,
                      int is_bad) {
  tuner_status status = TUNER_INERT;
  int can_call = is_bad ? -1 : plugin_enter(self);
  if (can_call > 0) {
    status = hook_call(self, id, event);
    plugin_leave(self, status, &tree->interrupt);
  }
  PyObject* interrupt = tree->interrupt;
  tree->interrupt = NULL;
  plugin_give_tree(self, tree);
  if (can_call < 0) Py_CLEAR(interrupt);
  if (can_call < 0 || plugin_raise_interrupt(&interrupt)) return NULL;
  return PyLong_FromLong(status);
}

static PyObject* run(PyObject* object, PyObject* const* args, Py_ssize_t count, PyObject* names,
                     hook_id id) {
  plugin_object* self = (plugin_object*)object;
  value_tree spare = {0};
  value_tree* tree = plugin_take_tree(self, &spare);
  hook_event event = {.as.setup = {0}};
  event.as.size = methods[id].event_size;
  if (id == hook_trial_start || id == hook_trial_restore) {
    event.as.start.trial = &event.trial;
    event.trial.size = sizeof event.trial;
  }
  int is_bad = fields_read(&methods[id].arguments, args, count, names, tree, &event);
  return hook_finish(self, id, tree, &event, is_bad);
}

#define DEFINE_METHOD(name)                                                        \
  PyObject* plugin_##name(PyObject* self, PyObject* const* args, Py_ssize_t count, \
                          PyObject* names) {                                       \
    return run(self, args, count, names, hook_##name);                             \
  }
HOOK_METHODS(DEFINE_METHOD)

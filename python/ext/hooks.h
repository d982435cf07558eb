/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "python/ext/plugin_object.h"

/* Any event of the contract, and the trial that a start event points to. */
typedef struct hook_event {
  union {
    uint32_t size; /* every event begins with it */
    tuner_setup_event setup;
    tuner_step_event step;
    tuner_trial_start_event start;
    tuner_trial_result_event result;
    tuner_checkpoint_event checkpoint;
    tuner_trial_end_event end;
    tuner_trial_error_event failure;
    tuner_experiment_end_event job_end;
    tuner_flush_event flush;
  } as;
  tuner_trial trial;
} hook_event;

/* The hooks as methods; all but trial_result, which has a quicker way, by one function. */
#define HOOK_METHODS(X) \
  X(setup)              \
  X(step_begin)         \
  X(step_end)           \
  X(trial_start)        \
  X(trial_restore)      \
  X(trial_save)         \
  X(trial_complete)     \
  X(trial_recover)      \
  X(trial_error)        \
  X(trial_pause)        \
  X(checkpoint)         \
  X(experiment_end)     \
  X(flush)

#define HOOK_ID(name) hook_##name,
typedef enum hook_id { HOOK_METHODS(HOOK_ID) hook_trial_result } hook_id;
#undef HOOK_ID

#define HOOK_METHOD(name) \
  PyObject* plugin_##name(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names);
HOOK_METHODS(HOOK_METHOD)
#undef HOOK_METHOD

/* Calls one hook of an instance, in the way the GIL allows: kept, unless the hook says that it may
 * take its time, or one of the last calls did. The lock is held; OK where the plugin lacks the
 * slot. */
tuner_status hook_call(plugin_object* self, hook_id id, const hook_event* event);
/* The rest of a method whose event is read into `tree`: calls the hook and gives the tree back.
 * is_bad: reading failed, and the exception is set. Returns the status, or NULL with an exception:
 * that one, a closed plugin's, or an interrupt out of foreign code. */
PyObject* hook_finish(plugin_object* self, hook_id id, value_tree* tree, const hook_event* event,
                      int is_bad);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Docstrings. The first line of a method's is its signature, which inspect.signature reads. */

static const char plugin_doc[] =
    "One instance of a plugin, in a library that is loaded with it.\n\n"
    "library: path of the plugin's shared library.\n"
    "config_path, config_text: its configuration, as a file or as the same text; not both.\n"
    "base_dir: where relative paths of config_text and settings begin.\n"
    "settings: overrides, key to YAML text: {'log.level': 'debug', 'metrics': '[loss]'}.\n"
    "log: called with (level, text), level from 0 (trace) to 4 (error), on the calling thread\n"
    "    when the call that the plugin spoke in is over. Its exceptions are dropped.\n"
    "host_name: what the plugin is told before anything else, for its messages.\n"
    "release_gil: let other threads run in every hook; without it only in those that may take\n"
    "    time, and for a while after a hook that took long.\n\n"
    "Raises PluginError if the plugin refuses, PluginLoadError (an OSError too) if there is "
    "none.\n\n"
    "Hooks return a status: OK (0), remarks above, errors below, whose text is in last_error. "
    "They\n"
    "never raise for what the plugin says nor for odd values: those become text and are counted.\n"
    "A wrong type of argument is a TypeError, a call after close a ValueError. In a forked child\n"
    "hooks do nothing and return INERT. Any thread may call; one call waits for the other.";

#define TRIAL_DOC                                                                       \
  "trial_id: the trial, not empty. key: a number of the host's own for it, 0 = none.\n" \
  "time_ns: nanoseconds since 1970 (UTC), 0 = now.\n"

static const char setup_doc[] =
    "setup($self, /, *, resumed=0, job_id='', experiment_name='', experiment_dir='',\n"
    "      host_name='', host_version='', metric_namespace='', reserved_keys=(), stop=None,\n"
    "      num_samples=0, total_num_samples=0, time_budget_s=0.0, metric='', mode='')\n--\n\n"
    "The job begins or goes on; once, before the other hooks. Returns a status.\n\n"
    "resumed: 0 a fresh job, 1 one that goes on, 2 not known. job_id: the same over all resumes.\n"
    "reserved_keys: top-level keys of a result that are no metrics. time_budget_s: seconds.\n"
    "Releases the GIL.";
static const char step_begin_doc[] =
    "step_begin($self, /, iteration)\n--\n\nA turn of the host's loop begins. Returns a status.";
static const char step_end_doc[] =
    "step_end($self, /, iteration)\n--\n\nA turn of the host's loop ends. Returns a status.";
#define START_SIGNATURE                                                               \
  "($self, /, trial_id, *, key=0, time_ns=0, status=0, name='', trainable_name='',\n" \
  "      experiment_tag='', local_dir='', remote_dir='', node_ip='', pid=0,\n"        \
  "      failure_count=0, attempt=0, params=None, config=None, checkpoint_path='')\n--\n\n"
static const char trial_start_doc[] =
    "trial_start" START_SIGNATURE
    "The trial's worker starts: first, after a failure, a pause, a resume. Returns a "
    "status.\n\n" TRIAL_DOC
    "params: the sampled hyper-parameters; config: the whole configuration; None = unchanged.\n"
    "attempt: the host's own count of starts, from 1; 0 = it keeps none.";
static const char trial_restore_doc[] =
    "trial_restore" START_SIGNATURE
    "The trial goes on from a checkpoint; arguments as of trial_start. Returns a status.";
static const char result_doc[] =
    "trial_result($self, /, trial_id, result, key=0, time_ns=0, skip='config')\n--\n\n"
    "The trial reported. Returns a status.\n\n" TRIAL_DOC
    "result: a mapping, nested at will; neither changed nor kept. skip: a key of its top level\n"
    "that is left out; None = none.";
static const char trial_save_doc[] =
    "trial_save($self, /, trial_id, *, key=0, time_ns=0, path='', step=None)\n--\n\n"
    "A checkpoint of the trial was saved. Returns a status.\n\n" TRIAL_DOC
    "step: of the result that the checkpoint belongs to.";
static const char checkpoint_doc[] =
    "checkpoint($self, /, trial_id, *, key=0, time_ns=0, path='', step=None)\n--\n\n"
    "A checkpoint was taken; arguments as of trial_save. Returns a status.";
static const char trial_complete_doc[] =
    "trial_complete($self, /, trial_id, *, key=0, time_ns=0, status=0)\n--\n\n"
    "The trial came to its end without an error. Returns a status.\n\n" TRIAL_DOC
    "status: 0 or COMPLETED; STOPPED if the host cut it short.";
static const char trial_pause_doc[] =
    "trial_pause($self, /, trial_id, *, key=0, time_ns=0, status=0)\n--\n\n"
    "The trial gave up its worker and may go on later. Returns a status.\n\n" TRIAL_DOC;
static const char trial_error_doc[] =
    "trial_error($self, /, trial_id, *, key=0, time_ns=0, failure_count=0, error_text='')\n--\n\n"
    "The trial failed for good. Returns a status.\n\n" TRIAL_DOC
    "failure_count: failures so far, this one included; 0 = not known.";
static const char trial_recover_doc[] =
    "trial_recover($self, /, trial_id, *, key=0, time_ns=0, failure_count=0, error_text='')\n--\n\n"
    "The trial failed and will be tried again; arguments as of trial_error. Returns a status.";
static const char experiment_end_doc[] =
    "experiment_end($self, /, *, interrupted=False, time_ns=0)\n--\n\n"
    "The job is over. Returns a status.\n\n"
    "interrupted: by a signal, a time budget or an exception. time_ns as everywhere.";
static const char flush_doc[] =
    "flush($self, /, timeout_ms=0)\n--\n\n"
    "Waits until all that was told is safe from a power cut. Returns OK or NOT_DURABLE.\n\n"
    "timeout_ms: milliseconds, 0 = as long as the configuration allows. Releases the GIL.";
static const char get_state_doc[] =
    "get_state($self, /)\n--\n\n"
    "bytes: what a later process needs to go on with this job. Raises PluginError.";
static const char set_state_doc[] =
    "set_state($self, state, /)\n--\n\n"
    "Takes bytes of get_state, before setup and every hook. Raises PluginError for damaged or\n"
    "foreign ones, after which the plugin is as before.";
static const char stats_doc[] =
    "stats($self, /)\n--\n\n"
    "dict: counts since the start, and 'health' (0 ok, 1 degraded, 2 broken) with its 'message'.\n"
    "The host's own: ints_as_text, objects_as_text, values_capped, hook_errors.";
static const char extension_doc[] =
    "extension($self, name, /)\n--\n\n"
    "int | None: the address of an extension, 'vendor.name/1'. It lives until close.";
static const char close_doc[] =
    "close($self, /)\n--\n\n"
    "Ends the instance: records what is pending, unloads the library. Returns a status; the "
    "second\n"
    "time OK, in a forked child INERT. Releases the GIL.";

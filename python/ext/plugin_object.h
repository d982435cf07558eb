/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <pthread.h>

#include "python/ext/library.h"
#include "python/ext/log_queue.h"
#include "python/ext/tree.h"

/* aimlog.host.Plugin: one instance of one plugin. Python threads may call it as they like: a call
 * waits, without the GIL, for the one before it, as the contract wants them one after another. */
typedef struct plugin_object {
  PyObject ob_base;
  library lib;
  tuner_instance* instance; /* NULL before __init__ and after close */
  tuner_host host;
  pthread_mutex_t lock; /* held during each call of the instance; never while Python code runs */
  unsigned fork_generation; /* of the process that made the instance */
  log_queue log;            /* under the lock */
  PyObject* log_callable;   /* NULL = nobody listens */
  PyObject* name;
  PyObject* version;
  uint32_t abi;
  PyObject* weak_references;
  int has_lock;
  int always_releases; /* the GIL, in every hook */
  int was_long;        /* the last hook; under the lock, as is the next */
  unsigned releases;   /* hooks left that release it, because some took long */
  int is_tree_used;    /* by a call whose values' own code calls the plugin again */
  value_tree tree;
  host_counts counts;
  tuner_error error; /* writes into error_text; under the lock */
  char error_text[2048];
  char last_error[2048]; /* the text of the last call that was not OK */
  size_t last_error_length;
} plugin_object;

extern PyObject* plugin_error;      /* PluginError */
extern PyObject* plugin_load_error; /* PluginLoadError */

/* How much of the text the plugin has written; one that claims more than fits is not believed. */
static inline size_t error_length(const tuner_error* error) {
  return error->length <= error->capacity ? error->length : 0;
}

/* Whether a call may be made: 1, with the lock held; 0 in a forked child, where nothing is done; -1
 * with a ValueError if it is closed. */
int plugin_enter(plugin_object* self);
/* Ends it: keeps the text of a status that is not OK, gives the lock back, and hands on what the
 * plugin logged. An interrupt that came out of the log callable is put into *interrupt, if that is
 * still NULL. */
void plugin_leave(plugin_object* self, tuner_status status, PyObject** interrupt);
/* Raises PluginError with the last text. */
void plugin_raise(PyObject* type, tuner_status status, const char* text, size_t length);
/* Raises a KeyboardInterrupt that came meanwhile, and drops the reference: 0 if there was none. */
int plugin_raise_interrupt(PyObject** interrupt);

/* Destroys the instance and unloads the library. OK if that was done, INERT in a forked child. */
tuner_status plugin_close_instance(plugin_object* self, PyObject** interrupt);

/* A tree for one call: the object's own, or `spare` (zeroed) while that is in use. */
value_tree* plugin_take_tree(plugin_object* self, value_tree* spare);
void plugin_give_tree(plugin_object* self, value_tree* tree);

/* ---- Slots of the type ---- */
PyObject* plugin_new(PyTypeObject* type, PyObject* args, PyObject* names);
int plugin_init(PyObject* self, PyObject* positional, PyObject* named);
int plugin_traverse(PyObject* self, visitproc visit, void* arg);
int plugin_clear(PyObject* self);
void plugin_finalize(PyObject* self);
void plugin_dealloc(PyObject* self);

/* ---- Methods ---- */
PyObject* plugin_result(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names);
PyObject* plugin_get_state(PyObject* self, PyObject* unused);
PyObject* plugin_set_state(PyObject* self, PyObject* bytes);
PyObject* plugin_stats(PyObject* self, PyObject* unused);
PyObject* plugin_extension(PyObject* self, PyObject* name);

/* Adds the type to the module. */
int plugin_type_add(PyObject* module);
/* Learns of forks from now on; once. */
void plugin_watch_forks(void);

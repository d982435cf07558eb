/* SPDX-License-Identifier: Apache-2.0 */
#include "python/ext/plugin_object.h"

#include <stdlib.h>
#include <string.h>

#include "python/ext/create_args.h"

PyObject* plugin_error;
PyObject* plugin_load_error;

/* Counts the forks that led to this process. */
static unsigned fork_generation;
static void count_fork(void) { fork_generation += 1; }

void plugin_watch_forks(void) { pthread_atfork(NULL, NULL, count_fork); }

/* ---- Host services: called by the plugin, with the GIL or without ---- */

static void TUNER_CALL on_log(void* data, tuner_log_level level, tuner_string message) {
  log_queue_add(&((plugin_object*)data)->log, level, message.data, message.length);
}

static int32_t TUNER_CALL is_log_enabled(void* data, tuner_log_level level) {
  (void)level;
  return ((plugin_object*)data)->log_callable != NULL;
}

static const void* TUNER_CALL get_host_extension(void* data, tuner_string id) {
  (void)data;
  (void)id;
  return NULL;
}

/* ---- One call after the other ---- */

static void take_lock(plugin_object* self) {
  if (pthread_mutex_trylock(&self->lock) == 0) return;
  Py_BEGIN_ALLOW_THREADS;
  pthread_mutex_lock(&self->lock);
  Py_END_ALLOW_THREADS;
}

int plugin_enter(plugin_object* self) {
  if (self->has_lock) {
    if (self->fork_generation != fork_generation) return 0;
    take_lock(self);
    if (self->instance != NULL) return 1;
    pthread_mutex_unlock(&self->lock);
  }
  PyErr_SetString(PyExc_ValueError, "this plugin is closed");
  return -1;
}

static void deliver(PyObject* callable, log_line* line, uint64_t dropped, PyObject** interrupt) {
  while (line != NULL) {
    log_line* next = line->next;
    PyObject* text = PyUnicode_DecodeUTF8(line->text, (Py_ssize_t)line->length, "replace");
    PyObject* said = text == NULL ? NULL : PyObject_CallFunction(callable, "iO", line->level, text);
    Py_XDECREF(said);
    Py_XDECREF(text);
    forgive(interrupt);
    free(line);
    line = next;
  }
  if (dropped == 0) return;
  PyObject* text = PyUnicode_FromFormat("%llu more lines of this call are left out",
                                        (unsigned long long)dropped);
  PyObject* said =
      text == NULL ? NULL : PyObject_CallFunction(callable, "iO", TUNER_LOG_WARNING, text);
  Py_XDECREF(said);
  Py_XDECREF(text);
  forgive(interrupt);
}

void plugin_leave(plugin_object* self, tuner_status status, PyObject** interrupt) {
  if (status != TUNER_OK) {
    size_t length = error_length(&self->error);
    memcpy(self->last_error, self->error_text, length);
    self->last_error_length = length;
    if (status < 0) self->counts.hook_errors += 1;
  }
  uint64_t dropped = 0;
  log_line* lines = NULL;
  if (self->log.first != NULL || self->log.dropped > 0)
    lines = log_queue_take(&self->log, &dropped);
  pthread_mutex_unlock(&self->lock);
  if (lines == NULL && dropped == 0) return;
  PyObject* callable = self->log_callable;
  if (callable == NULL) {
    for (log_line* next; lines != NULL; lines = next) {
      next = lines->next;
      free(lines);
    }
    return;
  }
  Py_INCREF(callable);
  deliver(callable, lines, dropped, interrupt);
  Py_DECREF(callable);
}

int plugin_raise_interrupt(PyObject** interrupt) {
  PyObject* raised = *interrupt;
  if (raised == NULL) return 0;
  *interrupt = NULL;
  PyErr_SetObject((PyObject*)Py_TYPE(raised), raised);
  Py_DECREF(raised);
  return 1;
}

void plugin_raise(PyObject* type, tuner_status status, const char* text, size_t length) {
  PyObject* message = PyUnicode_DecodeUTF8(text, (Py_ssize_t)length, "replace");
  PyObject* raised = message == NULL ? NULL : PyObject_CallFunctionObjArgs(type, message, NULL);
  PyObject* number = PyLong_FromLong(status);
  if (raised != NULL && number != NULL && PyObject_SetAttrString(raised, "status", number) == 0) {
    PyErr_SetObject(type, raised);
  }
  Py_XDECREF(number);
  Py_XDECREF(raised);
  Py_XDECREF(message);
}

value_tree* plugin_take_tree(plugin_object* self, value_tree* spare) {
  value_tree* tree = self->is_tree_used ? spare : &self->tree;
  self->is_tree_used = 1;
  tree->counts = &self->counts;
  return tree;
}

void plugin_give_tree(plugin_object* self, value_tree* tree) {
  if (tree != &self->tree) {
    tree_free(tree);
    return;
  }
  tree_reset(tree);
  self->is_tree_used = 0;
}

/* ---- Life ---- */

PyObject* plugin_new(PyTypeObject* type, PyObject* args, PyObject* names) {
  (void)args;
  (void)names;
  allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
  return allocate(type, 0);
}

static void prepare(plugin_object* self) {
  self->host = (tuner_host){
      .size = sizeof self->host,
      .host_data = self,
      .log = on_log,
      .log_enabled = is_log_enabled,
      .get_extension = get_host_extension,
  };
  self->error = (tuner_error){
      .size = sizeof self->error,
      .capacity = sizeof self->error_text,
      .text = self->error_text,
  };
  pthread_mutex_init(&self->lock, NULL);
  self->has_lock = 1;
  self->fork_generation = fork_generation;
}

static PyObject* text_of(const char* text) {
  if (text == NULL) text = "";
  PyObject* made = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
  PyErr_Clear();
  return made;
}

/* Loads and creates, without the GIL. Raises PluginError. */
static int open_instance(plugin_object* self, create_args* args) {
  char problem[library_problem_max] = "";
  tuner_status status;
  tuner_instance* instance = NULL;
  int is_loaded = 0;
  args->create.host = &self->host;
  pthread_mutex_lock(&self->lock);
  Py_BEGIN_ALLOW_THREADS;
  status = library_open(&self->lib, args->library_path, args->host_name, problem);
  is_loaded = status == TUNER_OK;
  if (is_loaded) {
    status = self->lib.table->create(&args->create, &instance, &self->error);
  }
  Py_END_ALLOW_THREADS;
  if (is_loaded && instance != NULL && status >= 0) {
    self->instance = instance;
    self->name = text_of(self->lib.table->name);
    self->version = text_of(self->lib.table->version);
    self->abi = self->lib.abi;
    plugin_leave(self, status, &args->tree.interrupt);
    return 0;
  }
  size_t length = error_length(&self->error);
  plugin_leave(self, status, &args->tree.interrupt);
  if (is_loaded) {
    library_close(&self->lib);
    if (status >= 0) status = TUNER_INTERNAL;
    plugin_raise(plugin_error, status, self->error_text, length);
  } else {
    PyObject* type = status == TUNER_IO_ERROR ? plugin_load_error : plugin_error;
    plugin_raise(type, status, problem, strlen(problem));
  }
  return -1;
}

int plugin_init(PyObject* object, PyObject* positional, PyObject* named) {
  plugin_object* self = (plugin_object*)object;
  if (self->has_lock) {
    PyErr_SetString(PyExc_TypeError, "__init__ comes once");
    return -1;
  }
  create_args args = {0};
  args.tree.counts = &self->counts;
  int status = create_args_read(&args, positional, named);
  if (status == 0) {
    prepare(self);
    self->always_releases = args.releases_gil;
    if (args.log != NULL && args.log != Py_None) {
      Py_INCREF(args.log);
      self->log_callable = args.log;
    }
    status = open_instance(self, &args);
    if (status == 0 && plugin_raise_interrupt(&args.tree.interrupt)) status = -1;
  }
  create_args_free(&args);
  return status;
}

tuner_status plugin_close_instance(plugin_object* self, PyObject** interrupt) {
  tuner_status status = TUNER_OK;
  if (!self->has_lock) return TUNER_OK;
  if (self->fork_generation != fork_generation) return TUNER_INERT;
  take_lock(self);
  tuner_instance* instance = self->instance;
  self->instance = NULL;
  if (instance == NULL) {
    pthread_mutex_unlock(&self->lock);
    return TUNER_OK;
  }
  self->error.length = 0;
  Py_BEGIN_ALLOW_THREADS;
  status = self->lib.table->destroy(instance, &self->error);
  library_close(&self->lib);
  Py_END_ALLOW_THREADS;
  plugin_leave(self, status, interrupt);
  return status;
}

int plugin_traverse(PyObject* object, visitproc visit, void* arg) {
  plugin_object* self = (plugin_object*)object;
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(self->log_callable);
  return 0;
}

int plugin_clear(PyObject* object) {
  Py_CLEAR(((plugin_object*)object)->log_callable);
  return 0;
}

/* Called by the collector while all of a cycle is still whole: the log callable may lead here. */
void plugin_finalize(PyObject* object) {
  PyObject *type, *error, *trace, *interrupt = NULL;
  PyErr_Fetch(&type, &error, &trace);
  plugin_close_instance((plugin_object*)object, &interrupt);
  Py_XDECREF(interrupt);
  PyErr_Restore(type, error, trace);
}

/* Where the last reference went there is no cycle, and so nothing that leads here. */
void plugin_dealloc(PyObject* object) {
  plugin_object* self = (plugin_object*)object;
  PyTypeObject* type = Py_TYPE(object);
  PyObject *error_type, *error, *trace, *interrupt = NULL;
  PyObject_GC_UnTrack(object);
  PyErr_Fetch(&error_type, &error, &trace);
  if (self->weak_references != NULL) PyObject_ClearWeakRefs(object);
  int is_inert = plugin_close_instance(self, &interrupt) == TUNER_INERT;
  Py_XDECREF(interrupt);
  log_queue_free(&self->log);
  tree_free(&self->tree);
  Py_CLEAR(self->log_callable);
  Py_CLEAR(self->name);
  Py_CLEAR(self->version);
  if (self->has_lock && !is_inert) pthread_mutex_destroy(&self->lock);
  PyErr_Restore(error_type, error, trace);
  freefunc give_back = (freefunc)PyType_GetSlot(type, Py_tp_free);
  give_back(object);
  Py_DECREF(type);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Plugin.get_state, set_state, stats and extension. */
#include <stdlib.h>
#include <string.h>

#include "python/ext/plugin_object.h"

/* A plugin's state is small; one that grows for ever is stopped. */
enum { state_bytes_max = 64 << 20 };

typedef struct state_bytes {
  char* bytes;
  size_t length;
  size_t capacity; /* when reading: how far it was read */
} state_bytes;

static int64_t TUNER_CALL write_state(void* data, const void* bytes, uint64_t count) {
  state_bytes* state = data;
  if (count > state_bytes_max - state->length) return -1;
  if (count > state->capacity - state->length) {
    size_t capacity = (state->length + (size_t)count) * 2;
    char* longer = realloc(state->bytes, capacity);
    if (longer == NULL) return -1;
    state->bytes = longer;
    state->capacity = capacity;
  }
  if (count > 0) memcpy(state->bytes + state->length, bytes, (size_t)count);
  state->length += (size_t)count;
  return (int64_t)count;
}

static int64_t TUNER_CALL read_state(void* data, void* bytes, uint64_t capacity) {
  state_bytes* state = data;
  size_t left = state->length - state->capacity;
  size_t count = capacity < left ? (size_t)capacity : left;
  if (count > 0) memcpy(bytes, state->bytes + state->capacity, count);
  state->capacity += count;
  return (int64_t)count;
}

/* What a call gives: an interrupt out of the log callable, PluginError for an error, else `value`,
 * which is taken over. */
static PyObject* finish(plugin_object* self, tuner_status status, PyObject* value) {
  PyObject* interrupt = NULL;
  plugin_leave(self, status, &interrupt);
  if (!plugin_raise_interrupt(&interrupt)) {
    if (status >= 0) return value;
    plugin_raise(plugin_error, status, self->last_error, self->last_error_length);
  }
  Py_XDECREF(value);
  return NULL;
}

/* After plugin_enter: what a method does that may not raise for a fork. */
static PyObject* refuse(int entered) {
  static const char text[] = "this process was forked from the one that made the plugin";
  if (entered == 0) plugin_raise(plugin_error, TUNER_INERT, text, sizeof text - 1);
  return NULL;
}

PyObject* plugin_get_state(PyObject* object, PyObject* unused) {
  (void)unused;
  plugin_object* self = (plugin_object*)object;
  int entered = plugin_enter(self);
  if (entered <= 0) return refuse(entered);
  tuner_status status = TUNER_OK;
  state_bytes state = {0};
  tuner_output_stream stream = {.size = sizeof stream, .stream_data = &state, .write = write_state};
  self->error.length = 0;
  if (TUNER_HAS(self->lib.table, get_state)) {
    Py_BEGIN_ALLOW_THREADS;
    status = self->lib.table->get_state(self->instance, &stream, &self->error);
    Py_END_ALLOW_THREADS;
  }
  PyObject* bytes = PyBytes_FromStringAndSize(state.bytes, (Py_ssize_t)state.length);
  free(state.bytes);
  return finish(self, status, bytes);
}

PyObject* plugin_set_state(PyObject* object, PyObject* bytes) {
  plugin_object* self = (plugin_object*)object;
  Py_buffer view;
  if (PyObject_GetBuffer(bytes, &view, PyBUF_SIMPLE) != 0) return NULL;
  PyObject* made = NULL;
  int entered = plugin_enter(self);
  if (entered > 0) {
    state_bytes state = {.bytes = view.buf, .length = (size_t)view.len};
    tuner_input_stream stream = {.size = sizeof stream, .stream_data = &state, .read = read_state};
    tuner_status status = TUNER_UNIMPLEMENTED;
    self->error.length = 0;
    if (TUNER_HAS(self->lib.table, set_state)) {
      Py_BEGIN_ALLOW_THREADS;
      status = self->lib.table->set_state(self->instance, &stream, &self->error);
      Py_END_ALLOW_THREADS;
    }
    Py_INCREF(Py_None);
    made = finish(self, status, Py_None);
  } else {
    made = refuse(entered);
  }
  PyBuffer_Release(&view);
  return made;
}

/* ---- Statistics ---- */

#define COUNTER(name) \
  { #name, offsetof(tuner_stats, name) }
static const struct {
  const char* name;
  size_t offset;
} plugin_counters[] = {
    COUNTER(events),
    COUNTER(results),
    COUNTER(points),
    COUNTER(events_dropped),
    COUNTER(events_lost),
    COUNTER(values_skipped),
    COUNTER(values_cut),
    COUNTER(texts_repaired),
    COUNTER(keys_duplicated),
    COUNTER(commits),
    COUNTER(commit_errors),
    COUNTER(events_pending),
    COUNTER(pending_age_ms),
    COUNTER(waits),
    COUNTER(wait_ns_max),
    COUNTER(journal_bytes),
    COUNTER(journal_used_bytes),
};

static int put_count(PyObject* dict, const char* name, uint64_t count) {
  PyObject* number = PyLong_FromUnsignedLongLong(count);
  int status = number == NULL ? -1 : PyDict_SetItemString(dict, name, number);
  Py_XDECREF(number);
  return status;
}

static PyObject* stats_dict(const host_counts* counts, const tuner_stats* stats) {
  PyObject* dict = PyDict_New();
  if (dict == NULL) return NULL;
  int status = 0;
  for (size_t i = 0; i < sizeof plugin_counters / sizeof *plugin_counters; ++i) {
    uint64_t count;
    memcpy(&count, (const char*)stats + plugin_counters[i].offset, sizeof count);
    status |= put_count(dict, plugin_counters[i].name, count);
  }
  status |= put_count(dict, "health", (uint64_t)stats->health);
  status |= put_count(dict, "ints_as_text", counts->ints_as_text);
  status |= put_count(dict, "objects_as_text", counts->objects_as_text);
  status |= put_count(dict, "values_capped", counts->values_capped);
  status |= put_count(dict, "hook_errors", counts->hook_errors);
  const tuner_error* said = stats->message;
  PyObject* message = PyUnicode_DecodeUTF8(said->text, (Py_ssize_t)error_length(said), "replace");
  status |= message == NULL ? -1 : PyDict_SetItemString(dict, "message", message);
  Py_XDECREF(message);
  if (status != 0) Py_CLEAR(dict);
  return dict;
}

PyObject* plugin_stats(PyObject* object, PyObject* unused) {
  (void)unused;
  plugin_object* self = (plugin_object*)object;
  int entered = plugin_enter(self);
  if (entered <= 0) return refuse(entered);
  char text[1024];
  tuner_error message = {.size = sizeof message, .capacity = sizeof text, .text = text};
  tuner_stats stats = {.size = sizeof stats, .message = &message};
  tuner_status status = TUNER_OK;
  self->error.length = 0;
  if (TUNER_HAS(self->lib.table, get_stats)) {
    status = self->lib.table->get_stats(self->instance, &stats, &self->error);
    stats.message = &message;
  }
  const host_counts counts = self->counts;
  Py_INCREF(Py_None);
  PyObject* left = finish(self, status, Py_None);
  if (left == NULL) return NULL;
  Py_DECREF(left);
  /* Only now: a new dict may start the collector, and what that runs may call this plugin. */
  return stats_dict(&counts, &stats);
}

PyObject* plugin_extension(PyObject* object, PyObject* name) {
  plugin_object* self = (plugin_object*)object;
  Py_ssize_t length = 0;
  const char* text = PyUnicode_Check(name) ? PyUnicode_AsUTF8AndSize(name, &length) : NULL;
  if (text == NULL) {
    PyErr_Format(PyExc_TypeError, "name: a str is expected, not %R", name);
    return NULL;
  }
  int entered = plugin_enter(self);
  if (entered <= 0) return refuse(entered);
  const void* found = NULL;
  if (TUNER_HAS(self->lib.table, get_extension)) {
    found = self->lib.table->get_extension((tuner_string){text, (uint64_t)length});
  }
  if (found != NULL) return finish(self, TUNER_OK, PyLong_FromVoidPtr((void*)(uintptr_t)found));
  Py_INCREF(Py_None);
  return finish(self, TUNER_OK, Py_None);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Plugin.trial_result: the frequent call, and so without the table of arguments. */
#include <string.h>

#include "python/ext/hooks.h"

static const char* const argument_names[] = {"trial_id", "result", "key", "time_ns", "skip"};
enum { arguments_max = 5 };

/* Puts arguments by position and by name into `out`, which begins empty. */
static int sort_arguments(PyObject* const* args, Py_ssize_t count, PyObject* names,
                          PyObject** out) {
  Py_ssize_t named = names == NULL ? 0 : PyTuple_Size(names);
  if (count > arguments_max) {
    PyErr_Format(PyExc_TypeError, "trial_result() takes %d arguments, %zd were given",
                 arguments_max, count);
    return -1;
  }
  for (Py_ssize_t i = 0; i < count; ++i) out[i] = args[i];
  for (Py_ssize_t i = 0; i < named; ++i) {
    PyObject* name = PyTuple_GetItem(names, i);
    int place = 0;
    while (place < arguments_max &&
           PyUnicode_CompareWithASCIIString(name, argument_names[place]) != 0) {
      place += 1;
    }
    if (place == arguments_max || out[place] != NULL) {
      const char* fault = place == arguments_max ? "has no argument" : "has twice";
      PyErr_Format(PyExc_TypeError, "trial_result() %s %R", fault, name);
      return -1;
    }
    out[place] = args[count + i];
  }
  if (out[0] != NULL && out[1] != NULL) return 0;
  PyErr_SetString(PyExc_TypeError, "trial_result() needs trial_id and result");
  return -1;
}

static int read_numbers(PyObject* const* given, tuner_trial_result_event* event) {
  if (given[2] != NULL) {
    event->trial_key = PyLong_AsUnsignedLongLong(given[2]);
    if (event->trial_key == UINT64_MAX && PyErr_Occurred() != NULL) return -1;
  }
  if (given[3] != NULL) {
    event->time_ns = PyLong_AsLongLong(given[3]);
    if (event->time_ns == -1 && PyErr_Occurred() != NULL) return -1;
  }
  return 0;
}

static int read_event(value_tree* tree, PyObject* const* given, tuner_trial_result_event* event) {
  static const tuner_string usual_skip = {"config", 6};
  tuner_string own_skip;
  const tuner_string* skip = given[4] == NULL      ? &usual_skip
                             : given[4] == Py_None ? NULL
                                                   : &own_skip;
  if (!PyUnicode_Check(given[0])) {
    PyErr_Format(PyExc_TypeError, "trial_id: a str is expected, not %R", given[0]);
    return -1;
  }
  if (skip == &own_skip) {
    if (!PyUnicode_Check(given[4])) {
      PyErr_Format(PyExc_TypeError, "skip: a str or None is expected, not %R", given[4]);
      return -1;
    }
    tree_text(tree, given[4], &own_skip);
  }
  if (read_numbers(given, event) != 0) {
    PyErr_SetString(PyExc_ValueError, "key is an int of 64 bits without, time_ns one with a sign");
    return -1;
  }
  tree_text(tree, given[0], &event->trial_id);
  event->result = tree_root(tree, given[1], skip);
  if (event->result != NULL && event->result->tag == TUNER_TAG_MAP) return 0;
  PyErr_Format(PyExc_TypeError, "result: a mapping is expected, not %R", Py_TYPE(given[1]));
  return -1;
}

PyObject* plugin_result(PyObject* object, PyObject* const* args, Py_ssize_t count,
                        PyObject* names) {
  plugin_object* self = (plugin_object*)object;
  PyObject* given[arguments_max] = {NULL};
  if (sort_arguments(args, count, names, given) != 0) return NULL;
  value_tree spare;
  if (self->is_tree_used) memset(&spare, 0, sizeof spare);
  value_tree* tree = plugin_take_tree(self, &spare);
  hook_event event;
  event.as.result = (tuner_trial_result_event){.size = sizeof event.as.result};
  int is_bad = read_event(tree, given, &event.as.result);
  return hook_finish(self, hook_trial_result, tree, &event, is_bad);
}

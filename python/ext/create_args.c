/* SPDX-License-Identifier: Apache-2.0 */
#include "python/ext/create_args.h"

#include <string.h>

#include "python/ext/fields.h"

static int read_path(value_tree* tree, PyObject* path, const char* name, tuner_string* out) {
  if (path == NULL || path == Py_None) return 0;
  if (field_read_path(tree, path, name, out) != 0) return -1;
  if (out->data != NULL && memchr(out->data, '\0', (size_t)out->length) == NULL) return 0;
  PyErr_Format(PyExc_ValueError, "%s: there is a NUL in %R", name, path);
  return -1;
}

static int read_text(value_tree* tree, PyObject* text, const char* name, tuner_string* out) {
  return text == NULL || text == Py_None ? 0 : field_read_text(tree, text, name, out);
}

static int read_settings(create_args* self, PyObject* settings) {
  if (settings == NULL || settings == Py_None) return 0;
  PyObject* items = tree_hold(&self->tree, PyMapping_Items(settings));
  if (items == NULL) {
    PyErr_Format(PyExc_TypeError, "settings: a mapping of str to str is expected, not %R",
                 settings);
    return -1;
  }
  size_t count = (size_t)PyList_Size(items);
  tuner_setting* made = arena_take(&self->tree.memory, count * sizeof *made);
  if (made == NULL) {
    PyErr_NoMemory();
    return -1;
  }
  for (size_t i = 0; i < count; ++i) {
    PyObject* item = PyList_GetItem(items, (Py_ssize_t)i);
    PyObject* key = PyTuple_Check(item) ? PyTuple_GetItem(item, 0) : NULL;
    PyObject* value = PyTuple_Check(item) ? PyTuple_GetItem(item, 1) : NULL;
    if (key == NULL || value == NULL || !PyUnicode_Check(key) || !PyUnicode_Check(value)) {
      PyErr_Format(PyExc_TypeError, "settings: keys and values are YAML texts (str), not %R", item);
      return -1;
    }
    tree_text(&self->tree, key, &made[i].key);
    tree_text(&self->tree, value, &made[i].value);
  }
  self->create.settings = made;
  self->create.setting_count = count;
  return 0;
}

static int read_library(create_args* self, PyObject* path) {
  tuner_string text = {0};
  if (read_path(&self->tree, path, "library", &text) != 0) return -1;
  if (text.length == 0) {
    PyErr_SetString(PyExc_ValueError, "library: the path of a plugin is expected");
    return -1;
  }
  /* A bare name would be looked for where the system keeps its libraries. */
  int is_bare = memchr(text.data, '/', (size_t)text.length) == NULL;
  char* whole = arena_take(&self->tree.memory, (size_t)text.length + 3);
  if (whole == NULL) {
    PyErr_NoMemory();
    return -1;
  }
  memcpy(whole, "./", 2);
  memcpy(whole + 2, text.data, (size_t)text.length);
  whole[text.length + 2] = '\0';
  self->library_path = is_bare ? whole : whole + 2;
  return 0;
}

int create_args_read(create_args* self, PyObject* positional, PyObject* named) {
  static char* names[] = {"library", "config_path", "config_text", "base_dir", "settings",
                          "log",     "host_name",   "release_gil", NULL};
  PyObject *library, *config_path = NULL, *config_text = NULL, *base_dir = NULL;
  PyObject *settings = NULL, *log = NULL, *host_name = NULL;
  if (!PyArg_ParseTupleAndKeywords(positional, named, "O|$OOOOOOp:Plugin", names, &library,
                                   &config_path, &config_text, &base_dir, &settings, &log,
                                   &host_name, &self->releases_gil)) {
    return -1;
  }
  if (log != NULL && log != Py_None && !PyCallable_Check(log)) {
    PyErr_Format(PyExc_TypeError, "log: a callable is expected, not %R", log);
    return -1;
  }
  self->log = log;
  self->create.size = sizeof self->create;
  self->host_name = (tuner_string){"Python", 6};
  value_tree* tree = &self->tree;
  if (read_library(self, library) != 0 ||
      read_path(tree, config_path, "config_path", &self->create.config_path) != 0 ||
      read_text(tree, config_text, "config_text", &self->create.config_text) != 0 ||
      read_path(tree, base_dir, "base_dir", &self->create.base_dir) != 0 ||
      read_text(tree, host_name, "host_name", &self->host_name) != 0) {
    return -1;
  }
  return read_settings(self, settings);
}

void create_args_free(create_args* self) { tree_free(&self->tree); }

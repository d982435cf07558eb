/* SPDX-License-Identifier: Apache-2.0 */
#include "python/ext/fields.h"

#include <string.h>

int field_read_path(value_tree* tree, PyObject* path, const char* name, tuner_string* out) {
  PyObject* text = PyOS_FSPath(path);
  if (text != NULL && PyBytes_Check(text)) {
    char* data;
    Py_ssize_t length;
    PyObject* bytes = text;
    PyBytes_AsStringAndSize(bytes, &data, &length);
    text = PyUnicode_DecodeFSDefaultAndSize(data, length);
    Py_DECREF(bytes);
  }
  if (text == NULL) {
    PyErr_Format(PyExc_TypeError, "%s: a str or os.PathLike is expected, not %R", name, path);
    return -1;
  }
  tree_text(tree, text, out);
  Py_DECREF(text);
  return 0;
}

int field_read_text(value_tree* tree, PyObject* text, const char* name, tuner_string* out) {
  if (!PyUnicode_Check(text)) {
    PyErr_Format(PyExc_TypeError, "%s: a str is expected, not %R", name, text);
    return -1;
  }
  tree_text(tree, text, out);
  return 0;
}

static int read_texts(value_tree* tree, PyObject* texts, const char* name, void* at) {
  PyObject* list = tree_hold(tree, PySequence_List(texts));
  if (list == NULL) return -1;
  uint64_t count = (uint64_t)PyList_Size(list);
  tuner_string* made = arena_take(&tree->memory, (size_t)count * sizeof *made);
  if (made == NULL) {
    PyErr_NoMemory();
    return -1;
  }
  for (size_t i = 0; i < count; ++i) {
    PyObject* text = PyList_GetItem(list, (Py_ssize_t)i);
    if (text == NULL || field_read_text(tree, text, name, &made[i]) != 0) return -1;
  }
  memcpy(at, &made, sizeof made);
  memcpy((char*)at + sizeof made, &count, sizeof count);
  return 0;
}

static int read_value(value_tree* tree, PyObject* object, const field* how, void* at) {
  const tuner_value* value = tree_root(tree, object, NULL);
  if (value == NULL) {
    PyErr_NoMemory();
    return -1;
  }
  if (how->kind == field_map && value->tag != TUNER_TAG_MAP) {
    PyErr_Format(PyExc_TypeError, "%s: a mapping is expected, not %R", how->name, Py_TYPE(object));
    return -1;
  }
  memcpy(at, &value, sizeof value);
  return 0;
}

static int read_integer(PyObject* object, const field* how, void* at) {
  PyObject* number = PyNumber_Index(object);
  if (number == NULL) {
    PyErr_Format(PyExc_TypeError, "%s: an int is expected, not %R", how->name, object);
    return -1;
  }
  int overflow = 0;
  int64_t value = PyLong_AsLongLongAndOverflow(number, &overflow);
  uint64_t bits = (uint64_t)value;
  if (how->kind == field_u64 && overflow > 0) {
    bits = PyLong_AsUnsignedLongLong(number);
    overflow = PyErr_Occurred() != NULL;
  } else if (how->kind == field_i32) {
    overflow |= value != (int32_t)value;
  } else if (how->kind == field_u32) {
    overflow |= value != (int64_t)(uint32_t)value;
  } else if (how->kind == field_u64) {
    overflow |= value < 0;
  }
  Py_DECREF(number);
  if (overflow != 0) {
    PyErr_Format(PyExc_ValueError, "%s: %R is out of range", how->name, object);
    return -1;
  }
  int is_narrow = how->kind == field_i32 || how->kind == field_u32;
  uint32_t narrow = (uint32_t)bits;
  memcpy(at, is_narrow ? (void*)&narrow : (void*)&bits, is_narrow ? sizeof narrow : sizeof bits);
  return 0;
}

static int read_scalar(PyObject* object, const field* how, void* at) {
  if (how->kind == field_f64) {
    double value = PyFloat_AsDouble(object);
    if (value == -1 && PyErr_Occurred() != NULL) {
      PyErr_Format(PyExc_TypeError, "%s: a float is expected, not %R", how->name, object);
      return -1;
    }
    memcpy(at, &value, sizeof value);
    return 0;
  }
  if (how->kind == field_flag) {
    int32_t value = PyObject_IsTrue(object);
    if (value < 0) return -1;
    memcpy(at, &value, sizeof value);
    return 0;
  }
  return read_integer(object, how, at);
}

static int read_field(value_tree* tree, PyObject* object, const field* how, void* event) {
  void* at = (char*)event + how->offset;
  if (object == Py_None) return 0;
  switch (how->kind) {
    case field_text:
      return field_read_text(tree, object, how->name, at);
    case field_path:
      return field_read_path(tree, object, how->name, at);
    case field_map:
    case field_value:
      return read_value(tree, object, how, at);
    case field_texts:
      return read_texts(tree, object, how->name, at);
    case field_step:
      /* Only checkpoint events have one, and they lie at the front of what `event` is. */
      ((tuner_checkpoint_event*)event)->has_step = 1;
      return read_integer(object, how, at);
    default:
      return read_scalar(object, how, at);
  }
}

static const field* find(const field_list* list, PyObject* name) {
  for (size_t i = 0; i < list->count; ++i) {
    if (PyUnicode_CompareWithASCIIString(name, list->fields[i].name) == 0) return &list->fields[i];
  }
  return NULL;
}

static int refuse_name(const field_list* list, PyObject* name) {
  PyObject* known = PyUnicode_FromString("");
  for (size_t i = 0; known != NULL && i < list->count; ++i) {
    const char* comma = i == 0 ? "" : ", ";
    PyObject* longer = PyUnicode_FromFormat("%U%s%s", known, comma, list->fields[i].name);
    Py_DECREF(known);
    known = longer;
  }
  if (known != NULL) {
    PyErr_Format(PyExc_TypeError, "%s() has no argument %R; it takes %U", list->function, name,
                 known);
  }
  Py_XDECREF(known);
  return -1;
}

int fields_read(const field_list* list, PyObject* const* args, Py_ssize_t count, PyObject* names,
                value_tree* tree, void* event) {
  size_t named = names == NULL ? 0 : (size_t)PyTuple_Size(names);
  size_t given = (size_t)count;
  int has_first = given > 0 || !list->needs_first;
  if (given > list->positional) {
    PyErr_Format(PyExc_TypeError, "%s() takes %zu arguments by position, %zu were given",
                 list->function, list->positional, given);
    return -1;
  }
  for (size_t i = 0; i < given; ++i) {
    if (read_field(tree, args[i], &list->fields[i], event) != 0) return -1;
  }
  for (size_t i = 0; i < named; ++i) {
    PyObject* name = PyTuple_GetItem(names, (Py_ssize_t)i);
    const field* how = find(list, name);
    if (how == NULL) return refuse_name(list, name);
    if (how < list->fields + given) {
      PyErr_Format(PyExc_TypeError, "%s() has %R twice", list->function, name);
      return -1;
    }
    has_first |= how == list->fields;
    if (read_field(tree, args[given + i], how, event) != 0) return -1;
  }
  if (has_first) return 0;
  PyErr_Format(PyExc_TypeError, "%s() needs %s", list->function, list->fields[0].name);
  return -1;
}

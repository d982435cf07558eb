/* SPDX-License-Identifier: Apache-2.0 */
#include "python/ext/tree.h"

#include <stdlib.h>
#include <string.h>

#include "python/ext/array_value.h"
#include "python/ext/kinds.h"
#include "python/ext/odd_value.h"

/* Longer texts are cut before they are encoded, which would double them in memory. */
enum { text_chars_max = 1 << 20 };

/* ---- What is held ---- */

PyObject* tree_hold(value_tree* self, PyObject* owned) {
  if (owned == NULL) return NULL;
  if (self->held_count == self->held_capacity) {
    size_t capacity = self->held_capacity == 0 ? 256 : self->held_capacity * 2;
    PyObject** held = realloc(self->held, capacity * sizeof *held);
    if (held == NULL) {
      Py_DECREF(owned);
      return NULL;
    }
    self->held = held;
    self->held_capacity = capacity;
  }
  return self->held[self->held_count++] = owned;
}

void tree_reset(value_tree* self) {
  /* The end of an object may run code that comes back to this tree's owner: it finds it empty. */
  while (self->held_count > 0) Py_DECREF(self->held[--self->held_count]);
  if (self->held_capacity > 16384) {
    free(self->held);
    self->held = NULL;
    self->held_capacity = 0;
  }
  arena_reset(&self->memory);
}

void tree_free(value_tree* self) {
  tree_reset(self);
  arena_free(&self->memory);
  free(self->held);
  self->held = NULL;
  self->held_capacity = 0;
  Py_CLEAR(self->interrupt);
}

int forgive(PyObject** interrupt) {
  if (PyErr_Occurred() == NULL) return 0;
  int is_interrupt =
      PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) || PyErr_ExceptionMatches(PyExc_SystemExit);
  if (!is_interrupt || *interrupt != NULL) {
    PyErr_Clear();
    return 1;
  }
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  *interrupt = value;
  Py_XDECREF(type);
  Py_XDECREF(trace);
  return 1;
}

int tree_forgive(value_tree* self) { return forgive(&self->interrupt); }

/* ---- Walking ---- */

int tree_enter(value_tree* self, PyObject* container, tuner_value* out) {
  const char* reason = NULL;
  if (self->depth == TUNER_VALUE_DEPTH_MAX) reason = "nested too deep";
  for (unsigned i = 0; i < self->depth; ++i) {
    if (self->path[i] == container) reason = "a part of itself";
  }
  if (reason != NULL) {
    self->counts->values_capped += 1;
    odd_value_remark(self, container, reason, out);
    return 0;
  }
  self->path[self->depth++] = container;
  return 1;
}

void tree_leave(value_tree* self) { self->depth -= 1; }

size_t tree_room(value_tree* self, size_t count) {
  size_t left = self->nodes < TUNER_VALUE_NODES_MAX ? TUNER_VALUE_NODES_MAX - self->nodes : 0;
  if (count <= left) return count;
  self->counts->values_capped += count - left;
  return left;
}

void tree_text(value_tree* self, PyObject* text, tuner_string* out) {
  Py_ssize_t length = 0;
  Py_INCREF(text);
  out->data = NULL;
  out->length = 0;
  if (PyUnicode_GetLength(text) > text_chars_max) {
    self->counts->values_capped += 1;
    PyObject* cut = PyUnicode_Substring(text, 0, text_chars_max);
    Py_DECREF(text);
    text = cut;
  }
  text = tree_hold(self, text);
  if (text != NULL) {
    out->data = PyUnicode_AsUTF8AndSize(text, &length);
    out->length = (uint64_t)length;
  }
  if (out->data != NULL) return;
  out->length = 0;
  const char* const repairs[] = {"surrogateescape", "surrogatepass"};
  for (int i = 0; i < 2 && text != NULL && out->data == NULL; ++i) {
    PyErr_Clear();
    PyObject* bytes = tree_hold(self, PyUnicode_AsEncodedString(text, "utf-8", repairs[i]));
    char* data;
    if (bytes == NULL || PyBytes_AsStringAndSize(bytes, &data, &length) != 0) continue;
    out->data = data;
    out->length = (uint64_t)length;
  }
  PyErr_Clear();
}

static int is_skipped(const tuner_string* skip, const tuner_string* key) {
  return skip != NULL && skip->length == key->length &&
         memcmp(skip->data, key->data, (size_t)key->length) == 0;
}

static void set_map(tuner_value* out, const tuner_entry* entries, size_t count) {
  out->tag = TUNER_TAG_MAP;
  out->as.map.entries = entries;
  out->as.map.count = count;
}

/* The dict may change while it is walked, where a value's own code runs: at most as many entries as
 * it began with are taken, and PyDict_Next stays inside it. */
static void put_dict(value_tree* self, PyObject* dict, const tuner_string* skip, tuner_value* out) {
  size_t room = tree_room(self, (size_t)PyDict_Size(dict));
  tuner_entry* entries = arena_take(&self->memory, room * sizeof *entries);
  size_t count = 0;
  Py_ssize_t place = 0;
  PyObject *key, *value;
  if (entries == NULL) room = 0;
  self->nodes += room;
  for (size_t i = 0; i < room && PyDict_Next(dict, &place, &key, &value); ++i) {
    tuner_entry* entry = &entries[count];
    if (Py_TYPE(key) == &PyUnicode_Type && Py_TYPE(value) == &PyFloat_Type) {
      tree_text(self, key, &entry->key);
      entry->value.tag = TUNER_TAG_DOUBLE;
      entry->value.reserved = 0;
      entry->value.as.float64 = PyFloat_AsDouble(value);
      count += is_skipped(skip, &entry->key) ? 0 : 1;
      continue;
    }
    Py_INCREF(value);
    odd_value_key(self, key, &entry->key);
    if (!is_skipped(skip, &entry->key)) {
      tree_value(self, value, &entry->value);
      count += 1;
    }
    Py_DECREF(value);
  }
  set_map(out, entries, count);
}

/* A list may shrink while it is walked. */
static void put_list(value_tree* self, PyObject* list, tuner_value* out) {
  size_t room = tree_room(self, (size_t)PyList_Size(list));
  tuner_value* items = arena_take(&self->memory, room * sizeof *items);
  size_t count = 0;
  if (items == NULL) room = 0;
  self->nodes += room;
  for (; count < room && (Py_ssize_t)count < PyList_Size(list); ++count) {
    PyObject* item = PyList_GetItem(list, (Py_ssize_t)count);
    Py_INCREF(item);
    tree_value(self, item, &items[count]);
    Py_DECREF(item);
  }
  out->tag = TUNER_TAG_LIST;
  out->as.list.items = items;
  out->as.list.count = count;
}

static void put_tuple(value_tree* self, PyObject* tuple, tuner_value* out) {
  size_t room = tree_room(self, (size_t)PyTuple_Size(tuple));
  tuner_value* items = arena_take(&self->memory, room * sizeof *items);
  if (items == NULL) room = 0;
  self->nodes += room;
  for (size_t i = 0; i < room; ++i) {
    tree_value(self, PyTuple_GetItem(tuple, (Py_ssize_t)i), &items[i]);
  }
  out->tag = TUNER_TAG_LIST;
  out->as.list.items = items;
  out->as.list.count = room;
}

static size_t room_of_mapping(const value_tree* self, size_t told) {
  enum { surplus_max = 256 };
  const size_t left = self->nodes < TUNER_VALUE_NODES_MAX ? TUNER_VALUE_NODES_MAX - self->nodes : 0;
  const size_t most = told < surplus_max ? surplus_max : told;
  return most < left ? most : left;
}

/* Keys and items of something that is no dict, by its own code. It may give more than it says it
 * has, as a data frame does, whose length is that of its columns; but not without end. What is left
 * out is counted. False if that code failed at once. */
static int put_mapping(value_tree* self, PyObject* object, const tuner_string* skip,
                       tuner_value* out) {
  Py_ssize_t size = PyObject_Size(object);
  PyObject* items = size < 0 ? NULL : PyObject_CallMethod(object, "items", NULL);
  PyObject* each = items == NULL ? NULL : PyObject_GetIter(items);
  Py_XDECREF(items);
  size_t room = each == NULL ? 0 : room_of_mapping(self, (size_t)size);
  tuner_entry* entries = arena_take(&self->memory, room * sizeof *entries);
  size_t count = 0, taken = 0;
  if (entries == NULL) room = 0;
  self->nodes += room;
  PyObject* pair = NULL;
  for (; each != NULL && (pair = PyIter_Next(each)) != NULL && taken < room; ++taken) {
    if (PyTuple_Check(pair) && PyTuple_Size(pair) == 2) {
      odd_value_key(self, PyTuple_GetItem(pair, 0), &entries[count].key);
      if (!is_skipped(skip, &entries[count].key)) {
        tree_value(self, PyTuple_GetItem(pair, 1), &entries[count++].value);
      }
    }
    Py_DECREF(pair);
  }
  self->nodes -= room - taken;
  if (pair != NULL || (each != NULL && PyErr_Occurred() != NULL)) self->counts->values_capped += 1;
  Py_XDECREF(pair);
  tree_forgive(self);
  set_map(out, entries, count);
  int is_read = each != NULL;
  Py_XDECREF(each);
  return is_read;
}

/* ---- One value ---- */

static void put_int(value_tree* self, PyObject* number, tuner_value* out) {
  int overflow = 0;
  out->tag = TUNER_TAG_INT64;
  out->as.int64 = PyLong_AsLongLongAndOverflow(number, &overflow);
  if (overflow == 0) return;
  if (overflow > 0) {
    out->tag = TUNER_TAG_UINT64;
    out->as.uint64 = PyLong_AsUnsignedLongLong(number);
    if (PyErr_Occurred() == NULL) return;
    PyErr_Clear();
  }
  self->counts->ints_as_text += 1;
  odd_value_big_int(self, number, out);
}

/* By nb_index, which may refuse, or by nb_float. False if neither gives a number. */
static int put_number(value_tree* self, PyObject* object, type_kind kind, tuner_value* out) {
  PyObject* number = kind == kind_index ? PyNumber_Index(object) : NULL;
  if (number != NULL) {
    put_int(self, number, out);
    Py_DECREF(number);
    return 1;
  }
  tree_forgive(self);
  out->tag = TUNER_TAG_DOUBLE;
  out->as.float64 = PyFloat_AsDouble(object);
  return !tree_forgive(self);
}

static int put_truth(value_tree* self, PyObject* object, tuner_value* out) {
  out->tag = TUNER_TAG_BOOL;
  out->as.boolean = PyObject_IsTrue(object) == 1;
  return !tree_forgive(self);
}

static void put_bytes(value_tree* self, PyObject* object, tuner_value* out) {
  char* data = NULL;
  Py_ssize_t length = 0;
  PyBytes_AsStringAndSize(object, &data, &length);
  Py_INCREF(object);
  out->tag = TUNER_TAG_BYTES;
  int is_held = tree_hold(self, object) != NULL;
  out->as.string.data = is_held ? data : NULL;
  out->as.string.length = is_held ? (uint64_t)length : 0;
}

static int put_container(value_tree* self, PyObject* object, type_kind kind,
                         const tuner_string* skip, tuner_value* out) {
  int is_done = 1;
  if (!tree_enter(self, object, out)) return 1;
  if (kind == kind_dict) {
    put_dict(self, object, skip, out);
  } else if (kind == kind_list) {
    put_list(self, object, out);
  } else if (kind == kind_tuple) {
    put_tuple(self, object, out);
  } else {
    is_done = put_mapping(self, object, skip, out);
  }
  tree_leave(self);
  return is_done;
}

/* By the kind of its type; false if the object turned out not to be of that kind. */
static int put_by_kind(value_tree* self, PyObject* object, type_kind kind, const tuner_string* skip,
                       tuner_value* out) {
  switch (kind) {
    case kind_float:
      out->tag = TUNER_TAG_DOUBLE;
      out->as.float64 = PyFloat_AsDouble(object);
      return 1;
    case kind_int:
      put_int(self, object, out);
      return 1;
    case kind_str:
      out->tag = TUNER_TAG_STRING;
      tree_text(self, object, &out->as.string);
      return 1;
    case kind_bytes:
      put_bytes(self, object, out);
      return 1;
    case kind_dict:
    case kind_list:
    case kind_tuple:
    case kind_mapping:
      return put_container(self, object, kind, skip, out);
    case kind_truth:
      return put_truth(self, object, out);
    case kind_index:
    case kind_real:
      return put_number(self, object, kind, out);
    case kind_byte_buffer:
      return array_value_bytes(self, object, out);
    case kind_array:
      return array_value(self, object, out);
    case kind_foreign:
    case kind_masked:
      return odd_value_foreign(self, object, kind, out);
    default:
      return 0;
  }
}

static void put_value(value_tree* self, PyObject* object, const tuner_string* skip,
                      tuner_value* out) {
  PyTypeObject* type = Py_TYPE(object);
  out->reserved = 0;
  if (type == &PyFloat_Type) {
    out->tag = TUNER_TAG_DOUBLE;
    out->as.float64 = PyFloat_AsDouble(object);
  } else if (type == &PyLong_Type) {
    put_int(self, object, out);
  } else if (type == &PyUnicode_Type) {
    out->tag = TUNER_TAG_STRING;
    tree_text(self, object, &out->as.string);
  } else if (object == Py_None) {
    out->tag = TUNER_TAG_NULL;
    out->as.uint64 = 0;
  } else if (type == &PyBool_Type) {
    out->tag = TUNER_TAG_BOOL;
    out->as.boolean = object == Py_True;
  } else {
    type_kind kind = kind_of_type(type);
    if (put_by_kind(self, object, kind, skip, out)) return;
    self->counts->objects_as_text += 1;
    odd_value_text(self, object, kind, out);
  }
}

void tree_value(value_tree* self, PyObject* object, tuner_value* out) {
  put_value(self, object, NULL, out);
}

const tuner_value* tree_root(value_tree* self, PyObject* object, const tuner_string* skip) {
  tuner_value* root = arena_take(&self->memory, sizeof *root);
  if (root == NULL) return NULL;
  self->nodes = 1;
  put_value(self, object, skip, root);
  return root;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "python/ext/kinds.h"

#include <stdint.h>

/* Types known by name, so that their modules need not be there, neither now nor when this is
 * built. The first match along the method resolution order counts. */
static const struct {
  const char* module;
  const char* name;
  type_kind kind;
} named_types[] = {
    {"enum", "Enum", kind_plain_text},
    {"decimal", "Decimal", kind_plain_text},
    {"datetime", "date", kind_plain_text},
    {"datetime", "time", kind_plain_text},
    {"datetime", "timedelta", kind_plain_text},
    {"datetime", "tzinfo", kind_plain_text},
    {"uuid", "UUID", kind_plain_text},
    {"numpy", "datetime64", kind_plain_text},
    {"numpy", "timedelta64", kind_plain_text},
    {"numpy", "complexfloating", kind_other},
    {"numpy", "void", kind_other},
    {"numpy", "bool_", kind_truth},
    {"numpy", "bool", kind_truth},
    {"numpy", "integer", kind_index},
    {"numpy", "generic", kind_real},
    {"numpy.ma", "MaskedArray", kind_masked},
    {"numpy.ma.core", "MaskedArray", kind_masked},
    {"numpy", "ndarray", kind_array},
    {"array", "array", kind_array},
};

static const struct {
  unsigned long flag;
  type_kind kind;
} builtin_flags[] = {
    {Py_TPFLAGS_LONG_SUBCLASS, kind_int},    {Py_TPFLAGS_UNICODE_SUBCLASS, kind_str},
    {Py_TPFLAGS_BYTES_SUBCLASS, kind_bytes}, {Py_TPFLAGS_DICT_SUBCLASS, kind_dict},
    {Py_TPFLAGS_LIST_SUBCLASS, kind_list},   {Py_TPFLAGS_TUPLE_SUBCLASS, kind_tuple},
};

static int is_named(PyObject* type, const char* attribute, const char* text) {
  PyObject* name = PyObject_GetAttrString(type, attribute);
  int is_same =
      name != NULL && PyUnicode_Check(name) && PyUnicode_CompareWithASCIIString(name, text) == 0;
  Py_XDECREF(name);
  PyErr_Clear();
  return is_same;
}

static type_kind kind_by_name(PyTypeObject* type) {
  PyObject* order = PyObject_GetAttrString((PyObject*)type, "__mro__");
  type_kind kind = kind_unknown;
  Py_ssize_t count = order != NULL && PyTuple_Check(order) ? PyTuple_Size(order) : 0;
  for (Py_ssize_t i = 0; i < count && kind == kind_unknown; ++i) {
    PyObject* base = PyTuple_GetItem(order, i);
    for (size_t k = 0; k < sizeof named_types / sizeof *named_types; ++k) {
      if (is_named(base, "__name__", named_types[k].name) &&
          is_named(base, "__module__", named_types[k].module)) {
        kind = named_types[k].kind;
        break;
      }
    }
  }
  Py_XDECREF(order);
  PyErr_Clear();
  return kind;
}

static int has(PyTypeObject* type, const char* attribute) {
  PyObject* found = PyObject_GetAttrString((PyObject*)type, attribute);
  Py_XDECREF(found);
  PyErr_Clear();
  return found != NULL;
}

static type_kind find_kind(PyTypeObject* type) {
  if (PyType_IsSubtype(type, &PyFloat_Type)) return kind_float;
  unsigned long flags = PyType_GetFlags(type);
  for (size_t i = 0; i < sizeof builtin_flags / sizeof *builtin_flags; ++i) {
    if ((flags & builtin_flags[i].flag) != 0) return builtin_flags[i].kind;
  }
  if (PyType_IsSubtype(type, &PyByteArray_Type) || type == &PyMemoryView_Type) {
    return kind_byte_buffer;
  }
  type_kind kind = kind_by_name(type);
  if (kind != kind_unknown) return kind;
  int has_index = PyType_GetSlot(type, Py_nb_index) != NULL;
  int has_float = PyType_GetSlot(type, Py_nb_float) != NULL;
  if ((has_index || has_float) && has(type, "item")) return kind_foreign;
  if (has_index) return kind_index;
  if (has_float) return kind_real;
  if (has(type, "__fspath__")) return kind_path;
  if (has(type, "keys") && has(type, "items") && has(type, "__getitem__")) return kind_mapping;
  return kind_other;
}

/* An open table. It holds its types, or another one could come to lie at the same address; when it
 * is half full it begins again, so that a program which makes types for ever keeps few of them. */
enum { table_size = 256, table_fill = 128 };
static struct {
  PyTypeObject* type;
  type_kind kind;
} table[table_size];
static unsigned table_count;

static size_t place_of(PyTypeObject* type) {
  size_t place = (size_t)(((uintptr_t)type >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 56);
  while (table[place].type != NULL && table[place].type != type) place = (place + 1) % table_size;
  return place;
}

static void empty_table(void) {
  PyTypeObject* types[table_size];
  unsigned count = 0;
  for (size_t i = 0; i < table_size; ++i) {
    if (table[i].type != NULL) types[count++] = table[i].type;
    table[i].type = NULL;
  }
  table_count = 0;
  /* Only now: the end of a type may run code that comes back here. */
  while (count > 0) Py_DECREF((PyObject*)types[--count]);
}

type_kind kind_of_type(PyTypeObject* type) {
  size_t place = place_of(type);
  if (table[place].type == type) return table[place].kind;
  type_kind kind = find_kind(type);
  if (table_count == table_fill) empty_table();
  place = place_of(type);
  if (table[place].type == NULL) {
    Py_INCREF((PyObject*)type);
    table[place].type = type;
    table_count += 1;
  }
  table[place].kind = kind;
  return kind;
}

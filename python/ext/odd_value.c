/* SPDX-License-Identifier: Apache-2.0 */
#include "python/ext/odd_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "python/ext/array_value.h"

/* Characters of a text that stands for an object, and bits of an int that is told digit by digit.
 */
enum { odd_text_max = 1000, int_bits_max = 1 << 16 };

static void set_text(value_tree* tree, PyObject* text, tuner_value* out) {
  out->tag = TUNER_TAG_STRING;
  out->reserved = 0;
  out->as.string.data = NULL;
  out->as.string.length = 0;
  if (text == NULL) tree_forgive(tree);
  if (text != NULL) tree_text(tree, text, &out->as.string);
  Py_XDECREF(text);
}

/* "module.Type", the module left out for builtin types. A new reference, or NULL. */
static PyObject* type_name(PyObject* object) {
  PyObject* type = (PyObject*)Py_TYPE(object);
  PyObject* name = PyType_GetQualName(Py_TYPE(object));
  PyErr_Clear();
  PyObject* module = PyObject_GetAttrString(type, "__module__");
  PyErr_Clear();
  PyObject* whole = name;
  if (name != NULL && module != NULL && PyUnicode_Check(module) &&
      PyUnicode_CompareWithASCIIString(module, "builtins") != 0) {
    whole = PyUnicode_FromFormat("%U.%U", module, name);
    Py_DECREF(name);
  }
  Py_XDECREF(module);
  return whole;
}

/* Takes over `text`. */
static PyObject* cut(value_tree* tree, PyObject* text) {
  if (text == NULL || PyUnicode_GetLength(text) <= odd_text_max) return text;
  tree->counts->values_capped += 1;
  PyObject* front = PyUnicode_Substring(text, 0, odd_text_max);
  PyObject* whole = front == NULL ? NULL : PyUnicode_FromFormat("%U...", front);
  Py_XDECREF(front);
  Py_DECREF(text);
  return whole;
}

/* "<module.Type>", then `text`, which may be empty and is taken over. */
static PyObject* typed(PyObject* object, PyObject* text) {
  PyObject* name = type_name(object);
  PyObject* whole = NULL;
  if (name != NULL && text != NULL) {
    whole = PyUnicode_FromFormat(PyUnicode_GetLength(text) > 0 ? "<%U> %U" : "<%U>%U", name, text);
  }
  Py_XDECREF(name);
  Py_XDECREF(text);
  return whole;
}

void odd_value_remark(value_tree* tree, PyObject* object, const char* remark, tuner_value* out) {
  set_text(tree, typed(object, PyUnicode_FromString(remark)), out);
}

/* What is left when the object's own text failed: the name of the exception. */
static PyObject* failure_text(value_tree* tree) {
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  PyObject* name = type == NULL ? NULL : PyType_GetQualName((PyTypeObject*)type);
  PyObject* text = name == NULL ? NULL : PyUnicode_FromFormat("its text raises %U", name);
  Py_XDECREF(name);
  PyErr_Restore(type, value, trace);
  tree_forgive(tree);
  return text;
}

static int is_default(PyObject* object, int slot) {
  return PyType_GetSlot(Py_TYPE(object), slot) == PyType_GetSlot(&PyBaseObject_Type, slot);
}

/* "module.name" of a function or class, whose own text has an address in it. */
static PyObject* qualified_name(PyObject* object) {
  PyObject* name = PyObject_GetAttrString(object, "__qualname__");
  PyErr_Clear();
  PyObject* module = PyObject_GetAttrString(object, "__module__");
  PyErr_Clear();
  PyObject* text = NULL;
  if (name != NULL && PyUnicode_Check(name)) {
    int has_module = module != NULL && PyUnicode_Check(module);
    text = has_module ? PyUnicode_FromFormat("%U.%U", module, name) : PyUnicode_FromObject(name);
  }
  Py_XDECREF(name);
  Py_XDECREF(module);
  return text;
}

/* NULL, without an exception, if it has neither shape nor length. */
static PyObject* shape_text(value_tree* tree, PyObject* object) {
  PyObject* shape = PyObject_GetAttrString(object, "shape");
  tree_forgive(tree);
  Py_ssize_t size = shape == NULL ? PyObject_Size(object) : 0;
  tree_forgive(tree);
  PyObject* text = NULL;
  if (shape != NULL) {
    text = PyUnicode_FromFormat("shape %S", shape);
  } else if (size >= 0) {
    text = PyUnicode_FromFormat("length %zd", size);
  }
  Py_XDECREF(shape);
  tree_forgive(tree);
  return text;
}

/* What an object that is no value of its own says of itself. */
static PyObject* own_text(value_tree* tree, PyObject* object, type_kind kind) {
  if (kind == kind_array || kind == kind_foreign || kind == kind_masked) {
    PyObject* text = shape_text(tree, object);
    if (text != NULL) return text;
  }
  if (kind == kind_other && PyCallable_Check(object)) {
    PyObject* name = qualified_name(object);
    if (name != NULL) return name;
  }
  /* The text that every object has from its base class is an address. */
  if (is_default(object, Py_tp_str) && is_default(object, Py_tp_repr)) {
    return PyUnicode_FromString("");
  }
  return PyObject_Str(object);
}

void odd_value_text(value_tree* tree, PyObject* object, type_kind kind, tuner_value* out) {
  PyObject* text = NULL;
  if (kind == kind_path) {
    text = PyOS_FSPath(object);
    if (text != NULL && PyBytes_Check(text)) {
      PyObject* bytes = text;
      char* data;
      Py_ssize_t length;
      PyBytes_AsStringAndSize(bytes, &data, &length);
      text = PyUnicode_DecodeFSDefaultAndSize(data, length);
      Py_DECREF(bytes);
    }
  } else if (kind == kind_plain_text) {
    text = PyObject_Str(object);
  }
  if (text != NULL) {
    set_text(tree, cut(tree, text), out);
    return;
  }
  if (PyErr_Occurred() == NULL) text = own_text(tree, object, kind);
  if (text == NULL) text = failure_text(tree);
  set_text(tree, typed(object, cut(tree, text)), out);
}

static Py_ssize_t bits_of(value_tree* tree, PyObject* number) {
  /* The method of int itself, whatever a subclass makes of it. */
  PyObject* bits = PyObject_CallMethod((PyObject*)&PyLong_Type, "bit_length", "O", number);
  Py_ssize_t count = bits == NULL ? 0 : PyLong_AsSsize_t(bits);
  Py_XDECREF(bits);
  tree_forgive(tree);
  return count;
}

void odd_value_big_int(value_tree* tree, PyObject* number, tuner_value* out) {
  Py_ssize_t bits = bits_of(tree, number);
  PyObject* text = NULL;
  if (bits > int_bits_max) {
    tree->counts->values_capped += 1;
    text = PyUnicode_FromFormat("<int> of %zd bits", bits);
  } else {
    text = PyNumber_ToBase(number, 10);
    if (text == NULL) {
      tree_forgive(tree);
      text = PyNumber_ToBase(number, 16);
    }
  }
  set_text(tree, text, out);
}

/* A whole number of 64 bits as a key, written into the tree's own memory. */
static int put_int_key(value_tree* tree, PyObject* key, tuner_string* out) {
  int overflow = 0;
  long long number = PyLong_AsLongLongAndOverflow(key, &overflow);
  char* text = overflow == 0 ? arena_take(&tree->memory, 24) : NULL;
  if (text == NULL) return 0;
  out->data = text;
  out->length = (uint64_t)snprintf(text, 24, "%lld", number);
  return 1;
}

void odd_value_key(value_tree* tree, PyObject* key, tuner_string* out) {
  tuner_value value;
  if (PyUnicode_Check(key)) {
    tree_text(tree, key, out);
    return;
  }
  if (Py_TYPE(key) == &PyLong_Type && put_int_key(tree, key, out)) return;
  Py_INCREF(key);
  PyObject* text = PyLong_CheckExact(key) ? NULL : cut(tree, PyObject_Str(key));
  if (text != NULL) {
    set_text(tree, text, &value);
  } else if (PyLong_CheckExact(key)) {
    odd_value_big_int(tree, key, &value);
  } else {
    set_text(tree, typed(key, failure_text(tree)), &value);
  }
  Py_DECREF(key);
  *out = value.as.string;
}

/* The number of elements by its shape: 0 for a scalar without dimensions, -1 if it tells none. */
static Py_ssize_t count_by_shape(value_tree* tree, PyObject* object) {
  PyObject* shape = PyObject_GetAttrString(object, "shape");
  tree_forgive(tree);
  if (shape == NULL || !PyTuple_Check(shape)) {
    Py_XDECREF(shape);
    return -1;
  }
  Py_ssize_t dimensions = PyTuple_Size(shape);
  Py_ssize_t count = dimensions == 0 ? 0 : 1;
  for (Py_ssize_t i = 0; i < dimensions && count <= array_items_max; ++i) {
    Py_ssize_t size = PyNumber_AsSsize_t(PyTuple_GetItem(shape, i), NULL);
    tree_forgive(tree);
    count *= size > 0 ? size : 1;
  }
  Py_DECREF(shape);
  return count;
}

/* A number out of item(): of a builtin type, or one that its slots turn into one. item() is never
 * asked again, as there are types whose item() is themselves. */
static int put_item(value_tree* tree, PyObject* item, tuner_value* out) {
  switch (kind_of_type(Py_TYPE(item))) {
    case kind_unknown:
    case kind_foreign:
    case kind_masked:
    case kind_array:
    case kind_mapping:
      return 0;
    default:
      tree_value(tree, item, out);
      return 1;
  }
}

int odd_value_foreign(value_tree* tree, PyObject* object, type_kind kind, tuner_value* out) {
  Py_ssize_t count = count_by_shape(tree, object);
  int is_list = count > 0 || kind == kind_masked;
  int is_done = 0;
  if (count > array_items_max) return 0;
  PyObject* made = PyObject_CallMethod(object, is_list ? "tolist" : "item", NULL);
  tree_forgive(tree);
  if (made != NULL && made != object) {
    is_done = put_item(tree, made, out);
  }
  Py_XDECREF(made);
  if (is_done || is_list) return is_done;
  out->tag = TUNER_TAG_DOUBLE;
  out->reserved = 0;
  out->as.float64 = PyFloat_AsDouble(object);
  return !tree_forgive(tree);
}

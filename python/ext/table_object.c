/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "python/ext/read_objects.h"

/* ---- Buffers: memory of a batch, as long as somebody looks at it ---- */

typedef struct buffer_holder {
  PyObject ob_base;
  shared_batch* batch;
  const void* data;
  Py_ssize_t bytes;
} buffer_holder;

typedef struct table_holder {
  PyObject ob_base;
  shared_table* table;
} table_holder;

static PyTypeObject* buffer_type;
static PyTypeObject* table_type;

static PyObject* allocate(PyTypeObject* type) {
  return ((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
}

static void free_object(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
  Py_DECREF(type);
}

/* A memory view of part of a batch; an empty one for NULL. */
static PyObject* view_of(shared_batch* batch, const void* data, Py_ssize_t bytes) {
  buffer_holder* self = (buffer_holder*)allocate(buffer_type);
  if (self == NULL) return NULL;
  batch_use(batch);
  self->batch = batch;
  self->data = data == NULL || bytes == 0 ? (const void*)"" : data;
  self->bytes = data == NULL ? 0 : bytes;
  PyObject* view = PyMemoryView_FromObject(&self->ob_base);
  Py_DECREF(&self->ob_base);
  return view;
}

static int get_buffer(PyObject* object, Py_buffer* view, int flags) {
  buffer_holder* self = (buffer_holder*)object;
  return PyBuffer_FillInfo(view, object, (void*)self->data, self->bytes, 1, flags);
}

static void dealloc_buffer(PyObject* object) {
  batch_drop(((buffer_holder*)object)->batch);
  free_object(object);
}

static PyType_Slot buffer_slots[] = {
    {Py_tp_dealloc, dealloc_buffer},
    {Py_bf_getbuffer, get_buffer},
    {0, NULL},
};

static PyType_Spec buffer_spec = {
    .name = "aimlog._read.Buffer",
    .basicsize = sizeof(buffer_holder),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = buffer_slots,
};

/* ---- Columns ---- */

static Py_ssize_t width_of(const char* format) {
  if (strcmp(format, "i") == 0 || strcmp(format, "I") == 0) return 4;
  return 8; /* l, L, g, tsn:UTC: the formats that aimlog.read/1 has beside bits and lists */
}

/* The end that the last of `length` + 1 offsets says. */
static Py_ssize_t last_end(const struct ArrowArray* array, int is_wide) {
  if (is_wide) return (Py_ssize_t)((const int64_t*)array->buffers[1])[array->length];
  return ((const int32_t*)array->buffers[1])[array->length];
}

/* (format, length, null count, validity, data, second data or None, dictionary or child or None) */
static PyObject* describe(shared_batch* batch, const struct ArrowSchema* schema,
                          const struct ArrowArray* array) {
  const char* format = schema->format;
  Py_ssize_t rows = (Py_ssize_t)array->length;
  Py_ssize_t bits = (rows + 7) / 8;
  int is_wide = strcmp(format, "U") == 0;
  int is_text = is_wide || strcmp(format, "u") == 0;
  int is_list = strcmp(format, "+l") == 0;
  PyObject* validity = view_of(batch, array->buffers[0], bits);
  PyObject* data = NULL;
  PyObject* second = Py_None;
  PyObject* inner = Py_None;
  Py_INCREF(second);
  Py_INCREF(inner);
  if (is_text || is_list) {
    data = view_of(batch, array->buffers[1], (rows + 1) * (is_wide ? 8 : 4));
  } else {
    Py_ssize_t bytes = strcmp(format, "b") == 0 ? bits : rows * width_of(format);
    data = view_of(batch, array->buffers[1], bytes);
  }
  if (is_text) {
    Py_DECREF(second);
    second = view_of(batch, array->buffers[2], last_end(array, is_wide));
  }
  if (is_list || schema->dictionary != NULL) {
    Py_DECREF(inner);
    inner = is_list ? describe(batch, schema->children[0], array->children[0])
                    : describe(batch, schema->dictionary, array->dictionary);
  }
  PyObject* result = NULL;
  if (validity != NULL && data != NULL && second != NULL && inner != NULL) {
    return Py_BuildValue("(snLNNNN)", format, rows, (long long)array->null_count, validity, data,
                         second, inner);
  }
  Py_XDECREF(validity);
  Py_XDECREF(data);
  Py_XDECREF(second);
  Py_XDECREF(inner);
  return result;
}

static PyObject* column(PyObject* object, PyObject* args) {
  const shared_table* table = ((table_holder*)object)->table;
  Py_ssize_t batch;
  Py_ssize_t index;
  if (!PyArg_ParseTuple(args, "nn", &batch, &index)) return NULL;
  if (batch < 0 || batch >= table->count || index < 0 || index >= table->schema.n_children) {
    PyErr_SetString(PyExc_IndexError, "no such batch or column");
    return NULL;
  }
  const struct ArrowArray* array = batch_array(table->batches[batch]);
  return describe(table->batches[batch], table->schema.children[index], array->children[index]);
}

/* ---- Tables ---- */

PyObject* table_object(shared_table* table) {
  table_holder* self = (table_holder*)allocate(table_type);
  if (self == NULL) {
    table_drop(table);
    return NULL;
  }
  self->table = table;
  return &self->ob_base;
}

static void dealloc_table(PyObject* object) {
  table_drop(((table_holder*)object)->table);
  free_object(object);
}

static PyObject* fields(PyObject* object, PyObject* unused) {
  (void)unused;
  const struct ArrowSchema* schema = &((table_holder*)object)->table->schema;
  PyObject* list = PyList_New(0);
  for (int64_t i = 0; list != NULL && i < schema->n_children; ++i) {
    const struct ArrowSchema* child = schema->children[i];
    PyObject* pair = Py_BuildValue("(ss)", child->name, child->format);
    if (pair == NULL || PyList_Append(list, pair) != 0) Py_CLEAR(list);
    Py_XDECREF(pair);
  }
  return list;
}

static PyObject* lengths(PyObject* object, PyObject* unused) {
  (void)unused;
  const shared_table* table = ((table_holder*)object)->table;
  PyObject* list = PyList_New(0);
  for (int64_t i = 0; list != NULL && i < table->count; ++i) {
    PyObject* length = PyLong_FromLongLong(batch_array(table->batches[i])->length);
    if (length == NULL || PyList_Append(list, length) != 0) Py_CLEAR(list);
    Py_XDECREF(length);
  }
  return list;
}

static PyObject* capsule(PyObject* object, PyObject* unused) {
  (void)unused;
  struct ArrowArrayStream stream;
  if (table_stream(((table_holder*)object)->table, &stream) != 0) return PyErr_NoMemory();
  return stream_capsule(&stream);
}

static void release_schema_capsule(PyObject* capsule) {
  struct ArrowSchema* schema = PyCapsule_GetPointer(capsule, "arrow_schema");
  if (schema->release != NULL) schema->release(schema);
  free(schema);
}

static PyObject* schema_capsule(PyObject* object, PyObject* unused) {
  (void)unused;
  struct ArrowSchema* schema = calloc(1, sizeof *schema);
  if (schema == NULL || table_schema(((table_holder*)object)->table, schema) != 0) {
    free(schema);
    return PyErr_NoMemory();
  }
  PyObject* capsule = PyCapsule_New(schema, "arrow_schema", release_schema_capsule);
  if (capsule == NULL) {
    schema->release(schema);
    free(schema);
  }
  return capsule;
}

static PyMethodDef methods[] = {
    {"capsule", capsule, METH_NOARGS, "An Arrow stream of the table, as a PyCapsule."},
    {"schema_capsule", schema_capsule, METH_NOARGS, "The table's type, as a PyCapsule."},
    {"fields", fields, METH_NOARGS, "[(name, format)] of all columns."},
    {"lengths", lengths, METH_NOARGS, "Rows of each batch."},
    {"column", column, METH_VARARGS,
     "column(batch, index): (format, rows, nulls, validity, data, more data or None, dictionary or "
     "child or None), memory views throughout."},
    {0},
};

static PyType_Slot table_slots[] = {
    {Py_tp_dealloc, dealloc_table},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec table_spec = {
    .name = "aimlog._read.Table",
    .basicsize = sizeof(table_holder),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = table_slots,
};

int table_type_add(PyObject* module) {
  buffer_type = (PyTypeObject*)PyType_FromSpec(&buffer_spec);
  table_type = (PyTypeObject*)PyType_FromSpec(&table_spec);
  if (buffer_type == NULL || table_type == NULL) return -1;
  return PyModule_AddObjectRef(module, "Table", (PyObject*)table_type);
}

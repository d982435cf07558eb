/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "python/ext/read_objects.h"

typedef struct stream_holder {
  PyObject ob_base;
  struct ArrowArrayStream stream; /* release NULL = used up */
} stream_holder;

static PyTypeObject* stream_type;

PyObject* stream_object(struct ArrowArrayStream* stream) {
  allocfunc allocate = (allocfunc)PyType_GetSlot(stream_type, Py_tp_alloc);
  stream_holder* self = (stream_holder*)allocate(stream_type, 0);
  if (self == NULL) {
    stream->release(stream);
    return NULL;
  }
  self->stream = *stream;
  return &self->ob_base;
}

static void dealloc(PyObject* object) {
  stream_holder* self = (stream_holder*)object;
  PyTypeObject* type = Py_TYPE(object);
  if (self->stream.release != NULL) self->stream.release(&self->stream);
  ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
  Py_DECREF(type);
}

static int take(PyObject* object, struct ArrowArrayStream* stream) {
  stream_holder* self = (stream_holder*)object;
  if (self->stream.release == NULL) {
    PyErr_SetString(PyExc_ValueError, "the stream is used up");
    return -1;
  }
  *stream = self->stream;
  self->stream.release = NULL;
  return 0;
}

static void release_capsule(PyObject* capsule) {
  struct ArrowArrayStream* stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");
  if (stream->release != NULL) stream->release(stream);
  free(stream);
}

PyObject* stream_capsule(struct ArrowArrayStream* stream) {
  struct ArrowArrayStream* own = malloc(sizeof *own);
  if (own == NULL) {
    stream->release(stream);
    return PyErr_NoMemory();
  }
  *own = *stream;
  PyObject* capsule = PyCapsule_New(own, "arrow_array_stream", release_capsule);
  if (capsule == NULL) {
    own->release(own);
    free(own);
  }
  return capsule;
}

static PyObject* capsule(PyObject* self, PyObject* unused) {
  (void)unused;
  struct ArrowArrayStream stream;
  return take(self, &stream) != 0 ? NULL : stream_capsule(&stream);
}

static PyObject* table(PyObject* self, PyObject* unused) {
  (void)unused;
  struct ArrowArrayStream stream;
  if (take(self, &stream) != 0) return NULL;
  shared_table* taken;
  int error;
  char text[share_text_max];
  Py_BEGIN_ALLOW_THREADS;
  taken = share_stream(&stream, &error, text);
  Py_END_ALLOW_THREADS;
  if (taken == NULL) {
    raise_read_error(TUNER_IO_ERROR, text, strlen(text));
    return NULL;
  }
  return table_object(taken);
}

static PyMethodDef methods[] = {
    {"capsule", capsule, METH_NOARGS, "Gives the stream away as an Arrow PyCapsule; once."},
    {"table", table, METH_NOARGS, "Takes all of the stream into memory; once."},
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_dealloc, dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "aimlog._read.Stream",
    .basicsize = sizeof(stream_holder),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};

int stream_type_add(PyObject* module) {
  stream_type = (PyTypeObject*)PyType_FromSpec(&spec);
  if (stream_type == NULL) return -1;
  return PyModule_AddObjectRef(module, "Stream", (PyObject*)stream_type);
}

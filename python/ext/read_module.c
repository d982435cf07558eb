/* SPDX-License-Identifier: Apache-2.0 */
/* The extension module aimlog._read: repos through the plugin's aimlog.read/1. */
#include "python/ext/read_objects.h"

PyObject* read_error;

void raise_read_error(tuner_status status, const char* text, size_t length) {
  PyObject* args =
      Py_BuildValue("(iN)", (int)status, PyUnicode_DecodeUTF8(text, (Py_ssize_t)length, "replace"));
  if (args == NULL) return;
  PyErr_SetObject(read_error, args);
  Py_DECREF(args);
}

static PyObject* alive(PyObject* module, PyObject* unused) {
  (void)module;
  (void)unused;
  return PyLong_FromLong(batches_alive());
}

static PyMethodDef functions[] = {
    {"batches_alive", alive, METH_NOARGS, "Batches in memory that somebody still uses."},
    {0},
};

static const struct {
  const char* name;
  long value;
} constants[] = {
    {"NOT_FOUND", AIMLOG_READ_NOT_FOUND},
    {"AMBIGUOUS", AIMLOG_READ_AMBIGUOUS},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "aimlog._read",
    .m_doc = "Repos through the plugin's library; see aimlog.reading.",
    .m_size = -1,
    .m_methods = functions,
};

PyMODINIT_FUNC PyInit__read(void);
PyMODINIT_FUNC PyInit__read(void) {
  PyObject* module = PyModule_Create(&definition);
  if (module == NULL) return NULL;
  int failed = 0;
  for (size_t i = 0; i < sizeof constants / sizeof *constants; ++i)
    failed |= PyModule_AddIntConstant(module, constants[i].name, constants[i].value);
  read_error = PyErr_NewExceptionWithDoc("aimlog._read.ReadError", "(status, text) of the library.",
                                         NULL, NULL);
  failed |= read_error == NULL || PyModule_AddObjectRef(module, "ReadError", read_error) != 0;
  if (failed || repo_type_add(module) != 0 || stream_type_add(module) != 0 ||
      table_type_add(module) != 0) {
    Py_DECREF(module);
    return NULL;
  }
  return module;
}

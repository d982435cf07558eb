/* SPDX-License-Identifier: Apache-2.0 */
/* aimlog.host.Plugin as Python sees it: its attributes, methods and slots. */
#include <stddef.h>

#include "python/ext/docs.h"
#include "python/ext/hooks.h"
#include "python/ext/plugin_object.h"

static PyObject* plugin_close(PyObject* object, PyObject* unused) {
  (void)unused;
  PyObject* interrupt = NULL;
  tuner_status status = plugin_close_instance((plugin_object*)object, &interrupt);
  if (plugin_raise_interrupt(&interrupt)) return NULL;
  return PyLong_FromLong(status);
}

static PyObject* plugin_enter_with(PyObject* object, PyObject* unused) {
  (void)unused;
  Py_INCREF(object);
  return object;
}

static PyObject* plugin_exit_with(PyObject* object, PyObject* unused) {
  PyObject* status = plugin_close(object, unused);
  if (status == NULL) return NULL;
  Py_DECREF(status);
  Py_RETURN_NONE;
}

static PyObject* get_text(PyObject* text) {
  if (text == NULL) return PyUnicode_FromString("");
  Py_INCREF(text);
  return text;
}

static PyObject* get_name(PyObject* self, void* unused) {
  (void)unused;
  return get_text(((plugin_object*)self)->name);
}

static PyObject* get_version(PyObject* self, void* unused) {
  (void)unused;
  return get_text(((plugin_object*)self)->version);
}

static PyObject* get_abi(PyObject* self, void* unused) {
  (void)unused;
  return PyLong_FromUnsignedLong(((plugin_object*)self)->abi);
}

static PyObject* get_closed(PyObject* self, void* unused) {
  (void)unused;
  return PyBool_FromLong(((plugin_object*)self)->instance == NULL);
}

static PyObject* get_last_error(PyObject* object, void* unused) {
  (void)unused;
  plugin_object* self = (plugin_object*)object;
  return PyUnicode_DecodeUTF8(self->last_error, (Py_ssize_t)self->last_error_length, "replace");
}

static PyGetSetDef attributes[] = {
    {"name", get_name, NULL, "str: the plugin's name", NULL},
    {"version", get_version, NULL, "str: the plugin's version", NULL},
    {"abi", get_abi, NULL, "int: the version of the contract that is spoken", NULL},
    {"closed", get_closed, NULL, "bool: close was called", NULL},
    {"last_error", get_last_error, NULL,
     "str: what the plugin said with the last status that was not OK", NULL},
    {0},
};

static PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(plugin_object, weak_references), READONLY, NULL},
    {0},
};

#define FAST (METH_FASTCALL | METH_KEYWORDS)
/* A function that takes names is none by the type of PyMethodDef, which the flags put right. */
#define NAMED(function) ((PyCFunction)(void (*)(void))(function))

#define HOOK_ENTRY(name) {#name, NAMED(plugin_##name), FAST, name##_doc},

static PyMethodDef methods[] = {
    {"trial_result", NAMED(plugin_result), FAST, result_doc},
    {"get_state", plugin_get_state, METH_NOARGS, get_state_doc},
    {"set_state", plugin_set_state, METH_O, set_state_doc},
    {"stats", plugin_stats, METH_NOARGS, stats_doc},
    {"extension", plugin_extension, METH_O, extension_doc},
    {"close", plugin_close, METH_NOARGS, close_doc},
    {"__enter__", plugin_enter_with, METH_NOARGS, NULL},
    {"__exit__", plugin_exit_with, METH_VARARGS, NULL},
    HOOK_METHODS(HOOK_ENTRY){0},
};

static PyType_Slot slots[] = {
    {Py_tp_new, plugin_new},
    {Py_tp_init, plugin_init},
    {Py_tp_dealloc, plugin_dealloc},
    {Py_tp_finalize, plugin_finalize},
    {Py_tp_traverse, plugin_traverse},
    {Py_tp_clear, plugin_clear},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {Py_tp_members, members},
    {Py_tp_doc, (void*)plugin_doc},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "aimlog.host.Plugin",
    .basicsize = sizeof(plugin_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

int plugin_type_add(PyObject* module) {
  PyObject* type = PyType_FromSpec(&spec);
  if (type == NULL) return -1;
  int status = PyModule_AddObjectRef(module, "Plugin", type);
  Py_DECREF(type);
  return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The extension module aimlog._host: a host for any plugin, whose values come from Python. */
#include "python/ext/plugin_object.h"

static const struct {
  const char* name;
  long value;
} constants[] = {
    {"OK", TUNER_OK},
    {"DROPPED", TUNER_DROPPED},
    {"NOT_DURABLE", TUNER_NOT_DURABLE},
    {"UNKNOWN", TUNER_UNKNOWN},
    {"INVALID_ARGUMENT", TUNER_INVALID_ARGUMENT},
    {"UNSUPPORTED_VERSION", TUNER_UNSUPPORTED_VERSION},
    {"INVALID_CONFIG", TUNER_INVALID_CONFIG},
    {"WRONG_STATE", TUNER_WRONG_STATE},
    {"INVALID_STATE", TUNER_INVALID_STATE},
    {"IO_ERROR", TUNER_IO_ERROR},
    {"INERT", TUNER_INERT},
    {"UNIMPLEMENTED", TUNER_UNIMPLEMENTED},
    {"OUT_OF_MEMORY", TUNER_OUT_OF_MEMORY},
    {"INTERNAL", TUNER_INTERNAL},
    {"TRIAL_PENDING", TUNER_TRIAL_PENDING},
    {"TRIAL_RUNNING", TUNER_TRIAL_RUNNING},
    {"TRIAL_PAUSED", TUNER_TRIAL_PAUSED},
    {"TRIAL_COMPLETED", TUNER_TRIAL_COMPLETED},
    {"TRIAL_FAILED", TUNER_TRIAL_FAILED},
    {"TRIAL_STOPPED", TUNER_TRIAL_STOPPED},
    {"RESUMED_NO", TUNER_RESUMED_NO},
    {"RESUMED_YES", TUNER_RESUMED_YES},
    {"RESUMED_UNKNOWN", TUNER_RESUMED_UNKNOWN},
};

static int add_constants(PyObject* module) {
  for (size_t i = 0; i < sizeof constants / sizeof *constants; ++i) {
    if (PyModule_AddIntConstant(module, constants[i].name, constants[i].value) != 0) return -1;
  }
  return 0;
}

static int add_errors(PyObject* module) {
  PyObject* defaults = Py_BuildValue("{si}", "status", TUNER_UNKNOWN);
  if (defaults == NULL) return -1;
  plugin_error = PyErr_NewExceptionWithDoc(
      "aimlog.host.PluginError",
      "What a plugin refused. Its text is the plugin's; `status` is the number, below 0.", NULL,
      defaults);
  Py_DECREF(defaults);
  PyObject* bases = plugin_error == NULL ? NULL : PyTuple_Pack(2, plugin_error, PyExc_OSError);
  if (bases == NULL) return -1;
  plugin_load_error = PyErr_NewExceptionWithDoc(
      "aimlog.host.PluginLoadError", "A file that cannot be loaded, or is no plugin.", bases, NULL);
  Py_DECREF(bases);
  if (plugin_load_error == NULL) return -1;
  if (PyModule_AddObjectRef(module, "PluginError", plugin_error) != 0) return -1;
  return PyModule_AddObjectRef(module, "PluginLoadError", plugin_load_error);
}

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "aimlog._host",
    .m_doc = "A host for plugins of the tuner contract; see aimlog.host.",
    .m_size = -1,
};

PyMODINIT_FUNC PyInit__host(void);
PyMODINIT_FUNC PyInit__host(void) {
  PyObject* module = PyModule_Create(&definition);
  if (module == NULL) return NULL;
  if (add_constants(module) != 0 || add_errors(module) != 0 || plugin_type_add(module) != 0) {
    Py_DECREF(module);
    return NULL;
  }
  plugin_watch_forks();
  return module;
}

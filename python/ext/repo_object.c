/* SPDX-License-Identifier: Apache-2.0 */
/* aimlog._read.Repo: an open repo. Any number of threads may use one; the GIL is let go meanwhile.
 */
#include <stdlib.h>
#include <string.h>

#include "python/ext/library.h"
#include "python/ext/read_objects.h"

typedef struct repo_holder {
  PyObject ob_base;
  const aimlog_read* table;
  aimlog_repo* repo; /* NULL = closed */
  int is_open;       /* until close; changed under the GIL, as users is */
  long users;        /* calls under way */
  PyObject* remark;
} repo_holder;

enum { text_max = 4096 };

/* A place for what the library says. */
typedef struct said {
  tuner_error error;
  char text[text_max];
} said;

static void prepare(said* place) {
  place->error =
      (tuner_error){.size = sizeof place->error, .capacity = text_max, .text = place->text};
}

static PyObject* raise(tuner_status status, const said* place) {
  raise_read_error(status, place->text, place->error.length);
  return NULL;
}

static tuner_string borrowed(const char* data, Py_ssize_t length) {
  return (tuner_string){data, (uint64_t)length};
}

/* The extension of the library at `path`. It stays loaded: what was read lives in its memory. */
static const aimlog_read* load(const char* path) {
  library lib;
  char problem[library_problem_max];
  static const char host[] = "Python";
  tuner_status status;
  Py_BEGIN_ALLOW_THREADS;
  status = library_open(&lib, path, borrowed(host, sizeof host - 1), problem);
  Py_END_ALLOW_THREADS;
  if (status != TUNER_OK) {
    raise_read_error(status, problem, strlen(problem));
    return NULL;
  }
  const aimlog_read* table = NULL;
  if (TUNER_HAS(lib.table, get_extension))
    table =
        lib.table->get_extension(borrowed(AIMLOG_READ_EXTENSION, sizeof AIMLOG_READ_EXTENSION - 1));
  if (table == NULL || table->size < AIMLOG_READ_SIZE_1) {
    static const char text[] = "this plugin cannot read repos: it has no " AIMLOG_READ_EXTENSION;
    raise_read_error(TUNER_UNIMPLEMENTED, text, sizeof text - 1);
    library_close(&lib);
    return NULL;
  }
  return table;
}

static int init(PyObject* object, PyObject* args, PyObject* names) {
  repo_holder* self = (repo_holder*)object;
  const char* library_path;
  const char* path;
  Py_ssize_t path_length;
  (void)names;
  if (!PyArg_ParseTuple(args, "ss#", &library_path, &path, &path_length)) return -1;
  if (self->repo != NULL) {
    PyErr_SetString(PyExc_ValueError, "the repo is open");
    return -1;
  }
  self->table = load(library_path);
  if (self->table == NULL) return -1;
  said place;
  prepare(&place);
  aimlog_open_args open = {.size = sizeof open, .path = borrowed(path, path_length)};
  tuner_status status;
  Py_BEGIN_ALLOW_THREADS;
  status = self->table->open(&open, &self->repo, &place.error);
  Py_END_ALLOW_THREADS;
  if (status != TUNER_OK) {
    raise(status, &place);
    return -1;
  }
  self->is_open = 1;
  Py_XDECREF(self->remark);
  self->remark = PyUnicode_DecodeUTF8(place.text, (Py_ssize_t)place.error.length, "replace");
  return self->remark == NULL ? -1 : 0;
}

static void close_if_unused(repo_holder* self) {
  if (self->is_open || self->users > 0 || self->repo == NULL) return;
  aimlog_repo* repo = self->repo;
  self->repo = NULL;
  Py_BEGIN_ALLOW_THREADS;
  self->table->close(repo);
  Py_END_ALLOW_THREADS;
}

static void leave(repo_holder* self) {
  --self->users;
  close_if_unused(self);
}

static int enter(repo_holder* self) {
  if (!self->is_open) {
    PyErr_SetString(PyExc_ValueError, "the repo is closed");
    return -1;
  }
  ++self->users;
  return 0;
}

static PyObject* close_repo(PyObject* object, PyObject* unused) {
  (void)unused;
  repo_holder* self = (repo_holder*)object;
  self->is_open = 0; /* calls under way go on, and the last of them closes */
  close_if_unused(self);
  Py_RETURN_NONE;
}

static PyObject* runs(PyObject* object, PyObject* args) {
  repo_holder* self = (repo_holder*)object;
  const char* run;
  Py_ssize_t run_length;
  int with_metrics;
  if (!PyArg_ParseTuple(args, "s#p", &run, &run_length, &with_metrics)) return NULL;
  if (enter(self) != 0) return NULL;
  said place;
  prepare(&place);
  aimlog_runs_query query = {
      .size = sizeof query, .without_metrics = !with_metrics, .run = borrowed(run, run_length)};
  struct ArrowArrayStream stream = {0};
  tuner_status status;
  Py_BEGIN_ALLOW_THREADS;
  status = self->table->runs(self->repo, &query, &stream, &place.error);
  Py_END_ALLOW_THREADS;
  leave(self);
  return status != TUNER_OK ? raise(status, &place) : stream_object(&stream);
}

/* A tuple of pairs of texts, as settings that borrow from it; NULL with an exception. */
static tuner_setting* read_context(PyObject* pairs, Py_ssize_t count) {
  tuner_setting* settings = calloc((size_t)count + 1, sizeof *settings);
  if (settings == NULL) {
    PyErr_NoMemory();
    return NULL;
  }
  for (Py_ssize_t i = 0; i < count; ++i) {
    const char* key;
    const char* value;
    Py_ssize_t key_length;
    Py_ssize_t value_length;
    PyObject* pair = PyTuple_GetItem(pairs, i);
    if (pair == NULL || !PyArg_ParseTuple(pair, "s#s#", &key, &key_length, &value, &value_length)) {
      free(settings);
      return NULL;
    }
    settings[i].key = borrowed(key, key_length);
    settings[i].value = borrowed(value, value_length);
  }
  return settings;
}

static PyObject* series(PyObject* object, PyObject* args) {
  repo_holder* self = (repo_holder*)object;
  const char* metric;
  const char* run;
  Py_ssize_t metric_length;
  Py_ssize_t run_length;
  PyObject* pairs;
  int exact_context;
  int all_attempts;
  if (!PyArg_ParseTuple(args, "s#s#Opp", &metric, &metric_length, &run, &run_length, &pairs,
                        &exact_context, &all_attempts)) {
    return NULL;
  }
  Py_ssize_t count = PyTuple_Size(pairs);
  tuner_setting* context = count < 0 ? NULL : read_context(pairs, count);
  if (context == NULL) return NULL;
  if (enter(self) != 0) {
    free(context);
    return NULL;
  }
  said place;
  prepare(&place);
  aimlog_series_query query = {.size = sizeof query,
                               .all_attempts = all_attempts,
                               .metric = borrowed(metric, metric_length),
                               .run = borrowed(run, run_length),
                               .context = context,
                               .context_count = (uint64_t)count,
                               .exact_context = exact_context};
  struct ArrowArrayStream stream = {0};
  tuner_status status;
  Py_BEGIN_ALLOW_THREADS;
  status = self->table->series(self->repo, &query, &stream, &place.error);
  Py_END_ALLOW_THREADS;
  leave(self);
  free(context);
  return status != TUNER_OK ? raise(status, &place) : stream_object(&stream);
}

/* Bytes that grow, filled without the GIL. */
typedef struct growing {
  char* data;
  size_t length;
  size_t room;
} growing;

static int64_t take_bytes(void* data, const void* bytes, uint64_t count) {
  growing* all = data;
  if (all->room - all->length < count) {
    size_t room = 2 * all->room + (size_t)count;
    char* larger = realloc(all->data, room);
    if (larger == NULL) return -1;
    all->data = larger;
    all->room = room;
  }
  memcpy(all->data + all->length, bytes, (size_t)count);
  all->length += (size_t)count;
  return (int64_t)count;
}

static PyObject* describe(PyObject* object, PyObject* args) {
  repo_holder* self = (repo_holder*)object;
  const char* run;
  Py_ssize_t run_length;
  if (!PyArg_ParseTuple(args, "s#", &run, &run_length)) return NULL;
  if (enter(self) != 0) return NULL;
  said place;
  prepare(&place);
  growing all = {0};
  tuner_output_stream out = {.size = sizeof out, .stream_data = &all, .write = take_bytes};
  tuner_status status;
  Py_BEGIN_ALLOW_THREADS;
  status = self->table->describe(self->repo, borrowed(run, run_length), &out, &place.error);
  Py_END_ALLOW_THREADS;
  leave(self);
  PyObject* json = NULL;
  if (status != TUNER_OK)
    raise(status, &place);
  else
    json = PyUnicode_DecodeUTF8(all.data, (Py_ssize_t)all.length, "strict");
  free(all.data);
  return json;
}

static void dealloc(PyObject* object) {
  repo_holder* self = (repo_holder*)object;
  PyTypeObject* type = Py_TYPE(object);
  if (self->repo != NULL) self->table->close(self->repo);
  Py_XDECREF(self->remark);
  ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
  Py_DECREF(type);
}

static PyObject* get_remark(PyObject* object, void* unused) {
  (void)unused;
  PyObject* remark = ((repo_holder*)object)->remark;
  return remark == NULL ? PyUnicode_FromString("") : Py_NewRef(remark);
}

static PyMethodDef methods[] = {
    {"runs", runs, METH_VARARGS, "runs(run, with_metrics) -> Stream"},
    {"series", series, METH_VARARGS,
     "series(metric, run, context as pairs of texts, exact_context, all_attempts) -> Stream"},
    {"describe", describe, METH_VARARGS, "describe(run) -> JSON text"},
    {"close", close_repo, METH_NOARGS, "Ends the handle; calls under way go on."},
    {0},
};

static PyGetSetDef attributes[] = {
    {"remark", get_remark, NULL, "str: what was replayed at opening, mostly nothing", NULL},
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_init, init},
    {Py_tp_dealloc, dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "aimlog._read.Repo",
    .basicsize = sizeof(repo_holder),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};

int repo_type_add(PyObject* module) {
  PyObject* type = PyType_FromSpec(&spec);
  if (type == NULL) return -1;
  int status = PyModule_AddObjectRef(module, "Repo", type);
  Py_DECREF(type);
  return status;
}

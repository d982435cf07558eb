/* SPDX-License-Identifier: Apache-2.0 */
#include "python/ext/library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static tuner_status fail(library* self, tuner_status status) {
  if (self->handle != NULL) dlclose(self->handle);
  *self = (library){0};
  return status;
}

tuner_status library_open(library* self, const char* path, tuner_string host_name, char* problem) {
  *self = (library){0};
  self->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (self->handle == NULL) {
    const char* text = dlerror();
    snprintf(problem, library_problem_max, "cannot load the plugin: %s",
             text == NULL ? path : text);
    return fail(self, TUNER_IO_ERROR);
  }
  void* symbol = dlsym(self->handle, TUNER_PLUGIN_ENTRY_NAME);
  if (symbol == NULL) {
    snprintf(problem, library_problem_max,
             "%s is no tuner plugin: it has no function " TUNER_PLUGIN_ENTRY_NAME, path);
    return fail(self, TUNER_IO_ERROR);
  }
  tuner_plugin_entry_fn entry;
  memcpy(&entry, &symbol, sizeof entry);
  char text[1024];
  tuner_error error = {.size = sizeof error, .capacity = sizeof text, .text = text};
  tuner_entry_args args = {
      .size = sizeof args,
      .host_abi_min = TUNER_ABI_VERSION_MIN,
      .host_abi_max = TUNER_ABI_VERSION_MAX,
      .host_name = host_name,
      .error = &error,
  };
  self->table = entry(&args);
  if (self->table == NULL) {
    unsigned length = error.length < sizeof text ? error.length : sizeof text;
    snprintf(problem, library_problem_max, "%s: %.*s", path, (int)length, text);
    return fail(self, TUNER_UNSUPPORTED_VERSION);
  }
  if (!TUNER_HAS(self->table, create) || !TUNER_HAS(self->table, destroy)) {
    snprintf(problem, library_problem_max, "%s: its table has no create or no destroy", path);
    return fail(self, TUNER_UNSUPPORTED_VERSION);
  }
  self->abi = args.abi_chosen;
  return TUNER_OK;
}

void library_close(library* self) {
  int may_unload = self->table != NULL && (self->table->flags & TUNER_FLAG_UNLOAD_SAFE) != 0;
  if (self->handle != NULL && may_unload) dlclose(self->handle);
  *self = (library){0};
}

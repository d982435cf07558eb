/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "tuner_plugin.h"

enum { library_problem_max = 2048 };

/* A plugin's shared library and what it said at its entry. */
typedef struct library {
  void* handle;
  const tuner_plugin* table;
  uint32_t abi;
} library;

/* Loads and negotiates. On failure nothing stays loaded, and `problem` (of library_problem_max
 * bytes, ended by NUL) says what is wrong. Returns IO_ERROR for a file that cannot be loaded,
 * UNSUPPORTED_VERSION for one that speaks no version of ours. No GIL needed. */
tuner_status library_open(library* self, const char* path, tuner_string host_name, char* problem);
/* Unloads, if the plugin says that it may be. */
void library_close(library* self);

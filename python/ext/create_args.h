/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "python/ext/tree.h"

/* The arguments of Plugin.__init__ as the contract wants them. */
typedef struct create_args {
  tuner_create_args create;
  const char* library_path; /* ended by NUL */
  tuner_string host_name;
  PyObject* log; /* borrowed; may be NULL */
  int releases_gil;
  value_tree tree; /* holds what the texts point to */
} create_args;

/* Fills a zeroed struct; -1 with an exception. Free it in both cases. */
int create_args_read(create_args* self, PyObject* positional, PyObject* named);
void create_args_free(create_args* self);

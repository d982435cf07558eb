/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "python/ext/arrow_share.h"
#include "python/ext/python_api.h"

/* The types of the extension module aimlog._read. What they do is for aimlog.reading, which is what
 * people use. */

extern PyObject* read_error; /* ReadError(status, text) */
void raise_read_error(tuner_status status, const char* text, size_t length);

/* A stream that nobody has used yet: `capsule()` gives it away, `table()` takes all of it. Takes
 * *stream over, also on failure. */
PyObject* stream_object(struct ArrowArrayStream* stream);

/* An answer that is in memory. Takes the table over, also on failure. */
PyObject* table_object(shared_table* table);

/* A PyCapsule as the Arrow PyCapsule interface wants it; takes *stream over, also on failure. */
PyObject* stream_capsule(struct ArrowArrayStream* stream);

/* Add the types to the module; -1 with an exception. */
int repo_type_add(PyObject* module);
int stream_type_add(PyObject* module);
int table_type_add(PyObject* module);

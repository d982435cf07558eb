/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "python/ext/tree.h"

/* How one argument of a hook gets into its event. */
typedef enum field_kind {
  field_text, /* str -> tuner_string */
  field_path, /* str or os.PathLike -> tuner_string */
  field_i64,  /* int -> int64_t, as are the next three */
  field_u64,
  field_i32,
  field_u32,
  field_f64,   /* float -> double */
  field_step,  /* int -> the step of a tuner_checkpoint_event, whose has_step it sets */
  field_flag,  /* truth -> int32_t */
  field_map,   /* mapping -> const tuner_value* */
  field_value, /* anything -> const tuner_value* */
  field_texts, /* iterable of str -> const tuner_string*, and its count behind it */
} field_kind;

typedef struct field {
  const char* name;
  field_kind kind;
  size_t offset; /* in the event */
} field;

typedef struct field_list {
  const char* function; /* for messages */
  const field* fields;
  size_t count;
  size_t positional; /* so many may be given by position */
  int needs_first;   /* the very first one must be given */
} field_list;

/* Sets the fields that were given and are not None; `event` has its defaults. -1 with a TypeError
 * or ValueError that names the argument. What texts and values point to lives in `tree`. */
int fields_read(const field_list* list, PyObject* const* args, Py_ssize_t count, PyObject* names,
                value_tree* tree, void* event);
/* A path as text; -1 with an exception. */
int field_read_path(value_tree* tree, PyObject* path, const char* name, tuner_string* out);
int field_read_text(value_tree* tree, PyObject* text, const char* name, tuner_string* out);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "python/ext/arena.h"
#include "python/ext/python_api.h"
#include "tuner_plugin.h"

/* What the host itself had to change about the values it passed on. */
typedef struct host_counts {
  uint64_t ints_as_text;    /* integers beyond 64 bits */
  uint64_t objects_as_text; /* objects of no type that the contract has */
  uint64_t values_capped;   /* texts cut; what is too deep, too many or part of itself */
  uint64_t hook_errors;     /* hooks that returned an error */
} host_counts;

/* Makes values of the contract from Python objects. Never fails and never leaves an exception: what
 * cannot be had becomes a text that says so.
 *
 * Foreign code may run meanwhile (__float__, __str__, item, ...) and do anything, so whatever
 * the tree points to is held: each key and text by a reference until the tree is reset, each
 * container while it is walked. All calls with the GIL. */
typedef struct value_tree {
  arena memory;
  PyObject** held;
  size_t held_count;
  size_t held_capacity;
  PyObject* path[TUNER_VALUE_DEPTH_MAX]; /* the containers that are being walked */
  unsigned depth;
  uint64_t nodes; /* in the tree of the current root */
  host_counts* counts;
  /* The first KeyboardInterrupt or SystemExit that came out of foreign code: it is no odd value,
   * and is raised once the hook is done. Owned. */
  PyObject* interrupt;
} value_tree;

/* A value of any kind, as the root of a tree. `skip`: a key of the top level that is left out;
 * NULL = none. The value lives until the reset; NULL without memory. */
const tuner_value* tree_root(value_tree* self, PyObject* object, const tuner_string* skip);
/* The same below a root. */
void tree_value(value_tree* self, PyObject* object, tuner_value* out);
/* The text of a str; surrogates that came from undecodable bytes become those bytes again. */
void tree_text(value_tree* self, PyObject* text, tuner_string* out);
/* Keeps a new reference until the reset. Takes it over; NULL is let through. */
PyObject* tree_hold(value_tree* self, PyObject* owned);
/* Takes an exception out of the way; true if there was one. The first KeyboardInterrupt or
 * SystemExit is kept in *interrupt. */
int forgive(PyObject** interrupt);
int tree_forgive(value_tree* self);
/* Into a container, if it is not in itself and not too deep; then leave it. */
int tree_enter(value_tree* self, PyObject* container, tuner_value* out);
void tree_leave(value_tree* self);
/* How many of `count` nodes still have room; the rest is counted as capped. */
size_t tree_room(value_tree* self, size_t count);

void tree_reset(value_tree* self);
void tree_free(value_tree* self);

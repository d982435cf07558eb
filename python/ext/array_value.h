/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "python/ext/tree.h"

/* More numbers than these are told by their shape only. */
enum { array_items_max = 1024 };

/* An array of numbers, read through its buffer: a number if it has no dimension, else nested lists.
 * False if it has no such buffer, or too many numbers. */
int array_value(value_tree* tree, PyObject* object, tuner_value* out);
/* The bytes of a bytearray or memoryview; false if it gives none, or is not contiguous. */
int array_value_bytes(value_tree* tree, PyObject* object, tuner_value* out);

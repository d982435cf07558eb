/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "python/ext/python_api.h"

/* How an object of a type is read. */
typedef enum type_kind {
  kind_unknown, /* nothing is known of the type yet */
  /* A builtin type or one made from it: its content is read directly, whatever the type overrides.
   */
  kind_float,
  kind_int,
  kind_str,
  kind_bytes,
  kind_dict,
  kind_list,
  kind_tuple,
  kind_byte_buffer, /* bytearray, memoryview */
  kind_truth,       /* nb_bool says all of it */
  kind_index,       /* nb_index does; nb_float where that refuses */
  kind_real,        /* nb_float does */
  kind_array,       /* a buffer of numbers with a shape */
  kind_foreign,     /* torch, jax, pandas: item() for one number, tolist() for a few */
  kind_masked,      /* NumPy's masked arrays: tolist() only, which knows what is masked */
  kind_mapping,     /* keys and items, but no dict */
  kind_plain_text,  /* str() is its value: enum, Decimal, datetime */
  kind_path,        /* os.fspath() is */
  kind_other,
} type_kind;

/* The kind of a type, remembered for the next time. The GIL is held; foreign code of a metaclass
 * may run; an exception of it may be left. */
type_kind kind_of_type(PyTypeObject* type);

/* SPDX-License-Identifier: Apache-2.0 */
#include "python/ext/array_value.h"

#include <math.h>
#include <string.h>

#include "python/ext/odd_value.h"

enum { bytes_max = 1 << 20 };

/* How the elements of one array are read. */
typedef struct element {
  char code; /* as in the struct module */
  int is_swapped;
  size_t size;
} element;

static double half_to_double(uint16_t bits) {
  int exponent = bits >> 10 & 0x1F;
  double fraction = bits & 0x3FF;
  double number;
  if (exponent == 0x1F) {
    number = fraction == 0 ? INFINITY : NAN;
  } else {
    number = ldexp(exponent == 0 ? fraction : fraction + 1024, (exponent == 0 ? 1 : exponent) - 25);
  }
  return (bits & 0x8000) != 0 ? -number : number;
}

static void put_real(const element* how, const unsigned char* at, tuner_value* out) {
  uint16_t half;
  float single;
  long double wide;
  out->tag = TUNER_TAG_DOUBLE;
  if (how->code == 'e') {
    memcpy(&half, at, sizeof half);
    out->as.float64 = half_to_double(half);
  } else if (how->code == 'f') {
    memcpy(&single, at, sizeof single);
    out->as.float64 = single;
  } else if (how->code == 'd') {
    memcpy(&out->as.float64, at, sizeof out->as.float64);
  } else {
    memcpy(&wide, at, sizeof wide);
    out->as.float64 = (double)wide;
  }
}

static void put_element(const element* how, const char* from, tuner_value* out) {
  unsigned char bytes[sizeof(long double)];
  uint64_t number = 0;
  for (size_t i = 0; i < how->size; ++i) {
    bytes[i] = (unsigned char)from[how->is_swapped ? how->size - 1 - i : i];
  }
  out->reserved = 0;
  if (strchr("efdg", how->code) != NULL) {
    put_real(how, bytes, out);
    return;
  }
  for (size_t i = how->size; i > 0; --i) number = number << 8 | bytes[i - 1];
  if (how->code == '?') {
    out->tag = TUNER_TAG_BOOL;
    out->as.boolean = number != 0;
  } else if (strchr("BHILQN", how->code) != NULL) {
    out->tag = number > INT64_MAX ? TUNER_TAG_UINT64 : TUNER_TAG_INT64;
    out->as.uint64 = number;
  } else {
    unsigned unused = 64 - 8 * (unsigned)how->size;
    out->tag = TUNER_TAG_INT64;
    out->as.int64 = (int64_t)(number << unused) >> unused;
  }
}

static int read_format(const Py_buffer* view, element* how) {
  const char* format = view->format == NULL ? "B" : view->format;
  how->is_swapped = *format == '>' || *format == '!';
  if (strchr("@=<>!", *format) != NULL && *format != '\0') format += 1;
  if (*format == '\0' || format[1] != '\0' || view->itemsize <= 0) return 0;
  how->code = *format;
  how->size = (size_t)view->itemsize;
  switch (how->code) {
    case 'e':
      return how->size == 2;
    case 'f':
      return how->size == sizeof(float);
    case 'd':
      return how->size == sizeof(double);
    case 'g':
      return how->size == sizeof(long double) && !how->is_swapped;
    default:
      return strchr("?bhilqnBHILQN", how->code) != NULL && how->size <= 8;
  }
}

static void put_dimension(value_tree* tree, const Py_buffer* view, const element* how,
                          int dimension, const char* at, tuner_value* out) {
  if (dimension == view->ndim) {
    put_element(how, at, out);
    return;
  }
  size_t count = (size_t)view->shape[dimension];
  tuner_value* items = arena_take(&tree->memory, count * sizeof *items);
  if (items == NULL) count = 0;
  tree->nodes += count;
  for (size_t i = 0; i < count; ++i) {
    const char* item = at + (Py_ssize_t)i * view->strides[dimension];
    put_dimension(tree, view, how, dimension + 1, item, &items[i]);
  }
  out->tag = TUNER_TAG_LIST;
  out->reserved = 0;
  out->as.list.items = items;
  out->as.list.count = count;
}

static int is_small(const value_tree* tree, const Py_buffer* view) {
  Py_ssize_t count = 1;
  if (view->ndim > 0 && (view->shape == NULL || view->strides == NULL)) return 0;
  if (view->suboffsets != NULL || tree->depth + (unsigned)view->ndim > TUNER_VALUE_DEPTH_MAX) {
    return 0;
  }
  /* An empty dimension may come behind huge ones: lists of empty lists are counted as well. */
  for (int i = 0; i < view->ndim && count <= array_items_max; ++i) {
    count *= view->shape[i] > 0 ? view->shape[i] : 1;
  }
  return count <= array_items_max && tree->nodes + 2u * array_items_max < TUNER_VALUE_NODES_MAX;
}

int array_value(value_tree* tree, PyObject* object, tuner_value* out) {
  Py_buffer view;
  element how;
  if (PyObject_GetBuffer(object, &view, PyBUF_FULL_RO) != 0) {
    tree_forgive(tree);
    return odd_value_foreign(tree, object, kind_array, out);
  }
  int is_readable = read_format(&view, &how);
  int is_taken = is_readable && is_small(tree, &view);
  if (is_taken) put_dimension(tree, &view, &how, 0, view.buf, out);
  PyBuffer_Release(&view);
  return is_taken || (!is_readable && odd_value_foreign(tree, object, kind_array, out));
}

int array_value_bytes(value_tree* tree, PyObject* object, tuner_value* out) {
  Py_buffer view;
  if (PyObject_GetBuffer(object, &view, PyBUF_SIMPLE) != 0) {
    tree_forgive(tree);
    return 0;
  }
  size_t length = (size_t)view.len;
  if (length > bytes_max) {
    length = bytes_max;
    tree->counts->values_capped += 1;
  }
  char* copy = arena_take(&tree->memory, length);
  if (copy != NULL && length > 0) memcpy(copy, view.buf, length);
  PyBuffer_Release(&view);
  out->tag = TUNER_TAG_BYTES;
  out->as.string.data = copy;
  out->as.string.length = copy == NULL ? 0 : length;
  return 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "python/ext/arrow_share.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shared_batch {
  _Atomic long users;
  struct ArrowArray array;
};

static _Atomic long alive;

shared_batch* share_batch(struct ArrowArray* array) {
  shared_batch* batch = calloc(1, sizeof *batch);
  if (batch == NULL) return NULL;
  batch->users = 1;
  batch->array = *array;
  array->release = NULL; /* moved */
  atomic_fetch_add(&alive, 1);
  return batch;
}

const struct ArrowArray* batch_array(const shared_batch* batch) { return &batch->array; }

void batch_use(shared_batch* batch) { atomic_fetch_add(&batch->users, 1); }

void batch_drop(shared_batch* batch) {
  if (batch == NULL || atomic_fetch_sub(&batch->users, 1) != 1) return;
  batch->array.release(&batch->array);
  free(batch);
  atomic_fetch_sub(&alive, 1);
}

long batches_alive(void) { return atomic_load(&alive); }

/* ---- Arrays for receivers ---- */

/* What stands behind an array that was given away: its own use of the batch, since a receiver may
 * keep a child and release the rest. */
typedef struct array_copy {
  shared_batch* batch;
  struct ArrowArray dictionary;
  struct ArrowArray** pointers;
  struct ArrowArray children[];
} array_copy;

static void release_array(struct ArrowArray* array) {
  array_copy* copy = array->private_data;
  for (int64_t i = 0; i < array->n_children; ++i) {
    if (copy->children[i].release != NULL) copy->children[i].release(&copy->children[i]);
  }
  if (copy->dictionary.release != NULL) copy->dictionary.release(&copy->dictionary);
  batch_drop(copy->batch);
  free(copy->pointers);
  free(copy);
  array->release = NULL;
}

static int copy_array(shared_batch* batch, const struct ArrowArray* from, struct ArrowArray* out) {
  size_t count = (size_t)from->n_children;
  array_copy* copy = calloc(1, sizeof *copy + count * sizeof *copy->children);
  struct ArrowArray** pointers = calloc(count + 1, sizeof *pointers);
  if (copy == NULL || pointers == NULL) {
    free(copy);
    free(pointers);
    return ENOMEM;
  }
  batch_use(batch);
  copy->batch = batch;
  copy->pointers = pointers;
  *out = *from;
  out->private_data = copy;
  out->release = release_array;
  out->children = pointers;
  int status = 0;
  for (size_t i = 0; i < count && status == 0; ++i) {
    pointers[i] = &copy->children[i];
    status = copy_array(batch, from->children[i], &copy->children[i]);
  }
  if (from->dictionary != NULL && status == 0) {
    out->dictionary = &copy->dictionary;
    status = copy_array(batch, from->dictionary, &copy->dictionary);
  }
  if (status != 0) release_array(out);
  return status;
}

/* ---- Types for receivers ---- */

typedef struct schema_copy {
  char* format;
  char* name;
  struct ArrowSchema dictionary;
  struct ArrowSchema** pointers;
  struct ArrowSchema children[];
} schema_copy;

static void release_schema(struct ArrowSchema* schema) {
  schema_copy* copy = schema->private_data;
  for (int64_t i = 0; i < schema->n_children; ++i) {
    if (copy->children[i].release != NULL) copy->children[i].release(&copy->children[i]);
  }
  if (copy->dictionary.release != NULL) copy->dictionary.release(&copy->dictionary);
  free(copy->format);
  free(copy->name);
  free(copy->pointers);
  free(copy);
  schema->release = NULL;
}

static int copy_schema(const struct ArrowSchema* from, struct ArrowSchema* out) {
  size_t count = (size_t)from->n_children;
  schema_copy* copy = calloc(1, sizeof *copy + count * sizeof *copy->children);
  if (copy == NULL) return ENOMEM;
  copy->pointers = calloc(count + 1, sizeof *copy->pointers);
  copy->format = strdup(from->format);
  copy->name = strdup(from->name == NULL ? "" : from->name);
  *out = (struct ArrowSchema){.format = copy->format,
                              .name = copy->name,
                              .flags = from->flags,
                              .n_children = from->n_children,
                              .children = copy->pointers,
                              .release = release_schema,
                              .private_data = copy};
  int status = copy->pointers == NULL || copy->format == NULL || copy->name == NULL ? ENOMEM : 0;
  for (size_t i = 0; i < count && status == 0; ++i) {
    copy->pointers[i] = &copy->children[i];
    status = copy_schema(from->children[i], &copy->children[i]);
  }
  if (from->dictionary != NULL && status == 0) {
    out->dictionary = &copy->dictionary;
    status = copy_schema(from->dictionary, &copy->dictionary);
  }
  if (status != 0) release_schema(out);
  return status;
}

/* ---- Tables ---- */

void table_use(shared_table* table) { atomic_fetch_add(&table->users, 1); }

void table_drop(shared_table* table) {
  if (table == NULL || atomic_fetch_sub(&table->users, 1) != 1) return;
  if (table->schema.release != NULL) table->schema.release(&table->schema);
  for (int64_t i = 0; i < table->count; ++i) batch_drop(table->batches[i]);
  free(table->batches);
  free(table);
}

static int add_batch(shared_table* table, struct ArrowArray* array) {
  size_t room = (size_t)table->count + 1;
  shared_batch** batches = realloc(table->batches, room * sizeof *batches);
  if (batches != NULL) {
    table->batches = batches;
    batches[table->count] = share_batch(array);
    if (batches[table->count] != NULL) {
      ++table->count;
      return 0;
    }
  }
  array->release(array);
  return ENOMEM;
}

shared_table* share_stream(struct ArrowArrayStream* stream, int* error, char* text) {
  text[0] = '\0';
  shared_table* table = calloc(1, sizeof *table);
  *error = ENOMEM;
  if (table != NULL) {
    table->users = 1;
    *error = stream->get_schema(stream, &table->schema);
  }
  while (*error == 0) {
    struct ArrowArray array = {0};
    *error = stream->get_next(stream, &array);
    if (*error != 0 || array.release == NULL) break;
    *error = add_batch(table, &array);
  }
  if (*error != 0) {
    const char* why = stream->get_last_error(stream);
    snprintf(text, share_text_max, "%s", why == NULL ? strerror(*error) : why);
    table_drop(table);
    table = NULL;
  }
  stream->release(stream);
  return table;
}

typedef struct table_reader {
  shared_table* table;
  int64_t next;
} table_reader;

static int reader_schema(struct ArrowArrayStream* stream, struct ArrowSchema* out) {
  return table_schema(((table_reader*)stream->private_data)->table, out);
}

static int reader_next(struct ArrowArrayStream* stream, struct ArrowArray* out) {
  table_reader* reader = stream->private_data;
  *out = (struct ArrowArray){0};
  if (reader->next == reader->table->count) return 0;
  shared_batch* batch = reader->table->batches[reader->next];
  int status = copy_array(batch, &batch->array, out);
  if (status == 0) ++reader->next;
  return status;
}

static const char* reader_error(struct ArrowArrayStream* stream) {
  (void)stream;
  return NULL;
}

static void release_reader(struct ArrowArrayStream* stream) {
  table_reader* reader = stream->private_data;
  table_drop(reader->table);
  free(reader);
  stream->release = NULL;
}

int table_stream(shared_table* table, struct ArrowArrayStream* out) {
  table_reader* reader = calloc(1, sizeof *reader);
  if (reader == NULL) return ENOMEM;
  table_use(table);
  reader->table = table;
  *out =
      (struct ArrowArrayStream){reader_schema, reader_next, reader_error, release_reader, reader};
  return 0;
}

int table_schema(const shared_table* table, struct ArrowSchema* out) {
  return copy_schema(&table->schema, out);
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "abi/extensions/aimlog_read.h"

/* Arrow batches that are used more than once: by memory views, and by any number of receivers of
 * the Arrow C interface, each of whom releases what he got. No Python here: receivers release on
 * threads of their own. */

/* One batch and how many use it. */
typedef struct shared_batch shared_batch;
/* Takes the array over; NULL without memory, and then the array is still the caller's. */
shared_batch* share_batch(struct ArrowArray* array);
const struct ArrowArray* batch_array(const shared_batch* batch);
void batch_use(shared_batch* batch);
void batch_drop(shared_batch* batch);
/* Batches that are not yet freed, in the whole process. */
long batches_alive(void);

/* A type and all batches of an answer, themselves counted. */
typedef struct shared_table {
  _Atomic long users;
  struct ArrowSchema schema;
  shared_batch** batches;
  int64_t count;
} shared_table;

/* Takes all of a stream, and releases it. On failure NULL, *error is an errno and `text` (of
 * share_text_max bytes) says why. */
enum { share_text_max = 1024 };
shared_table* share_stream(struct ArrowArrayStream* stream, int* error, char* text);
void table_use(shared_table* table);
void table_drop(shared_table* table);

/* A stream of the same batches; 0, or an errno. */
int table_stream(shared_table* table, struct ArrowArrayStream* out);
/* A copy of the table's type; 0, or an errno. */
int table_schema(const shared_table* table, struct ArrowSchema* out);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stddef.h>

/* Memory for one tree at a time, taken piece by piece and given back at once. After a reset it
 * keeps one block as large as the last tree needed, so that a tree like it allocates nothing. */
typedef struct arena_block arena_block;
typedef struct arena {
  arena_block* block; /* the newest; older ones hang behind it */
  size_t used;        /* of the newest */
  size_t next_size;   /* what the next block has at least */
} arena;

/* Uninitialised, aligned for any scalar or pointer, until the next reset; NULL without memory. */
void* arena_take(arena* self, size_t size);
/* Ends the life of everything taken. */
void arena_reset(arena* self);
void arena_free(arena* self);

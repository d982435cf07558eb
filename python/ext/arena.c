/* SPDX-License-Identifier: Apache-2.0 */
#include "python/ext/arena.h"

#include <stdint.h>
#include <stdlib.h>

enum { first_block = 16 * 1024, kept_block_max = 1024 * 1024 };

struct arena_block {
  arena_block* older;
  size_t size;
  _Alignas(16) char bytes[];
};

static int add_block(arena* self, size_t size) {
  size_t wanted = self->next_size > first_block ? self->next_size : first_block;
  if (wanted < size) wanted = size;
  arena_block* block = malloc(sizeof *block + wanted);
  if (block == NULL) return 0;
  block->older = self->block;
  block->size = wanted;
  self->block = block;
  self->used = 0;
  self->next_size = wanted * 2;
  return 1;
}

void* arena_take(arena* self, size_t size) {
  if (size > PTRDIFF_MAX / 4) return NULL;
  size = (size + 15) & ~(size_t)15;
  if (self->block == NULL || size > self->block->size - self->used) {
    if (!add_block(self, size)) return NULL;
  }
  void* taken = self->block->bytes + self->used;
  self->used += size;
  return taken;
}

void arena_free(arena* self) {
  while (self->block != NULL) {
    arena_block* older = self->block->older;
    free(self->block);
    self->block = older;
  }
  self->used = 0;
  self->next_size = 0;
}

void arena_reset(arena* self) {
  self->used = 0;
  if (self->block == NULL) return;
  if (self->block->older == NULL && self->block->size <= kept_block_max) return;
  size_t needed = 0;
  for (arena_block* block = self->block; block != NULL; block = block->older) needed += block->size;
  arena_free(self);
  self->next_size = needed < kept_block_max ? needed : kept_block_max;
}

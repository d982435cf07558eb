/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Lines that a plugin says inside a call. They wait here until the interpreter may run again, as
 * the plugin may speak while the GIL is released. The oldest are kept; of the rest only the number.
 */
typedef struct log_line {
  struct log_line* next;
  int32_t level;
  size_t length;
  char text[];
} log_line;

typedef struct log_queue {
  log_line* first;
  log_line* last;
  size_t count;
  uint64_t dropped;
} log_queue;

enum { log_queue_lines_max = 1000, log_queue_text_max = 64 * 1024 };

void log_queue_add(log_queue* self, int32_t level, const char* text, uint64_t length);
/* All lines, which are the caller's now, to be freed one by one; how many more there were. */
log_line* log_queue_take(log_queue* self, uint64_t* dropped);
void log_queue_free(log_queue* self);

/* SPDX-License-Identifier: Apache-2.0 */
#include "python/ext/log_queue.h"

#include <stdlib.h>
#include <string.h>

void log_queue_add(log_queue* self, int32_t level, const char* text, uint64_t length) {
  size_t kept = text == NULL                  ? 0
                : length < log_queue_text_max ? (size_t)length
                                              : log_queue_text_max;
  log_line* line = NULL;
  if (self->count < log_queue_lines_max) line = malloc(sizeof *line + kept);
  if (line == NULL) {
    self->dropped += 1;
    return;
  }
  line->next = NULL;
  line->level = level;
  line->length = kept;
  if (kept > 0) memcpy(line->text, text, kept);
  if (self->first == NULL) self->first = line;
  if (self->last != NULL) self->last->next = line;
  self->last = line;
  self->count += 1;
}

log_line* log_queue_take(log_queue* self, uint64_t* dropped) {
  log_line* first = self->first;
  *dropped = self->dropped;
  *self = (log_queue){0};
  return first;
}

void log_queue_free(log_queue* self) {
  uint64_t dropped;
  for (log_line* line = log_queue_take(self, &dropped); line != NULL;) {
    log_line* next = line->next;
    free(line);
    line = next;
  }
}

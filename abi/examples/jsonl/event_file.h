/* A file of lines, to which several processes may append.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EVENT_FILE_H
#define EVENT_FILE_H

#include <stddef.h>
#include <stdint.h>

typedef struct event_file {
  int fd;
  int is_torn;              /* it ends within a line: the next one begins with a line end */
  uint64_t pending;         /* lines not yet synced */
  int64_t pending_since_ms; /* when the oldest of them was written, by the monotonic clock */
} event_file;

/* These return 0 or an errno. The file is made if it is not there. */
int event_file_open(event_file* file, const char* path);
int event_file_append(event_file* file, const char* line, size_t length);
int event_file_sync(event_file* file);

void event_file_close(event_file* file);

uint64_t event_file_pending_age_ms(const event_file* file);

#endif

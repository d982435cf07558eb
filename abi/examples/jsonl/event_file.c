/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include "event_file.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int event_file_open(event_file* file, const char* path) {
  char last = '\n';
  file->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file->fd < 0) return errno;
  off_t size = lseek(file->fd, 0, SEEK_END);
  if (size > 0 && pread(file->fd, &last, 1, size - 1) == 1) file->is_torn = last != '\n';
  return 0;
}

/* One write(2), unless the disk is full or the line goes into a pipe. */
static int write_all(int fd, const char* bytes, size_t count, size_t* written) {
  for (*written = 0; *written < count;) {
    ssize_t got = write(fd, bytes + *written, count - *written);
    if (got < 0 && errno != EINTR) return errno;
    if (got > 0) *written += (size_t)got;
  }
  return 0;
}

int event_file_append(event_file* file, const char* line, size_t length) {
  size_t written;
  int problem = file->is_torn ? write_all(file->fd, "\n", 1, &written) : 0;
  if (problem != 0) return problem;
  problem = write_all(file->fd, line, length, &written);
  file->is_torn = problem != 0 && written > 0;
  if (problem != 0) return problem;
  if (file->pending == 0) file->pending_since_ms = now_ms();
  file->pending += 1;
  return 0;
}

int event_file_sync(event_file* file) {
  /* EINVAL and EROFS: something that cannot be synced, such as a pipe. */
  if (fsync(file->fd) != 0 && errno != EINVAL && errno != EROFS) return errno;
  file->pending = 0;
  return 0;
}

void event_file_close(event_file* file) { close(file->fd); }

uint64_t event_file_pending_age_ms(const event_file* file) {
  return file->pending == 0 ? 0 : (uint64_t)(now_ms() - file->pending_since_ms);
}

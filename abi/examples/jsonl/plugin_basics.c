/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin_basics.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int read_struct(void* own, uint32_t own_size, uint32_t least, const void* given) {
  uint32_t size;
  if (given == NULL) return 0;
  memcpy(&size, given, sizeof size);
  if (size < least) return 0;
  memset(own, 0, own_size);
  memcpy(own, given, size < own_size ? size : own_size);
  return 1;
}

static int can_write(const tuner_error* error) {
  return error != NULL && error->size >= TUNER_ERROR_SIZE_1;
}

void clear_error(tuner_error* error) {
  if (can_write(error)) error->length = error->full_length = 0;
}

tuner_status fail(tuner_error* error, tuner_status status, const char* format, ...) {
  char text[8192];
  va_list arguments;
  if (!can_write(error)) return status;
  va_start(arguments, format);
  int full = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (full < 0 || (size_t)full >= sizeof text) full = (int)strlen(text);
  uint32_t length = (uint32_t)full;
  if (length > error->capacity) {
    length = error->capacity;
    while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) length -= 1;
  }
  if (length > 0 && error->text != NULL) memcpy(error->text, text, length);
  error->length = error->text != NULL ? length : 0;
  error->full_length = (uint32_t)full;
  return status;
}

int negotiate(tuner_entry_args* args, const char* plugin_name) {
  uint32_t low = args->host_abi_min, high = args->host_abi_max;
  args->plugin_abi_min = TUNER_ABI_VERSION_MIN;
  args->plugin_abi_max = TUNER_ABI_VERSION_MAX;
  args->abi_chosen = 0;
  if (low <= high && low <= TUNER_ABI_VERSION_MAX && high >= TUNER_ABI_VERSION_MIN) {
    args->abi_chosen = high < TUNER_ABI_VERSION_MAX ? high : TUNER_ABI_VERSION_MAX;
    clear_error(args->error);
    return 1;
  }
  fail(args->error, TUNER_UNSUPPORTED_VERSION,
       "plugin %s speaks the plugin ABI versions %u to %u, the host %u to %u: use a newer %s",
       plugin_name, TUNER_ABI_VERSION_MIN, TUNER_ABI_VERSION_MAX, low, high,
       low > TUNER_ABI_VERSION_MAX ? "plugin" : "host");
  return 0;
}

/* One line of JSON that loses nothing of a tuner_value.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * What JSON alone cannot say, and how it is said here:
 *   double             digits that read back to the same bits, always with a '.' or an 'e'
 *   NaN, infinities    {"$double": "nan" | "inf" | "-inf", "bits": "7ff8000000000000"}
 *   int64              digits alone
 *   uint64             {"$uint64": 5}
 *   bytes              {"$bytes": "00ff"}
 *   a map's key "$x"   "$$x", so that no map can be taken for one of the above
 * Order and repetition of keys are kept. What a reader must skip (see tuner_value) is left out as
 * if it were not there. Invalid UTF-8 becomes U+FFFD, one for each bad byte.
 */
#ifndef JSON_LINE_H
#define JSON_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "tuner_plugin.h"

/* Zero it to begin with, use it for many lines, free `text` at the end. */
typedef struct json_line {
  char* text;
  size_t length;
  size_t capacity;
  int out_of_memory;      /* the line is not whole; begin the next one as if nothing had happened */
  uint32_t nodes;         /* of the tree that is being written */
  uint64_t numbers;       /* written into this line by json_line_value, booleans included */
  uint64_t nodes_skipped; /* these two grow from line to line */
  uint64_t texts_repaired;
} json_line;

void json_line_begin(json_line* line);
void json_line_end(json_line* line);

/* One member each. `key` is a literal that needs no escape. */
void json_line_string(json_line* line, const char* key, tuner_string text);
void json_line_int(json_line* line, const char* key, int64_t number);
void json_line_uint(json_line* line, const char* key, uint64_t number);
void json_line_value(json_line* line, const char* key, const tuner_value* value);

/* As above, and nothing at all where the field was not given: empty, 0 or NULL. */
void json_line_string_if(json_line* line, const char* key, tuner_string text);
void json_line_int_if(json_line* line, const char* key, int64_t number);
void json_line_uint_if(json_line* line, const char* key, uint64_t number);
void json_line_value_if(json_line* line, const char* key, const tuner_value* value);
void json_line_strings_if(json_line* line, const char* key, const tuner_string* texts,
                          uint64_t count);

#endif

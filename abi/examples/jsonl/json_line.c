/* SPDX-License-Identifier: Apache-2.0 */
#include "json_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_bytes(json_line* line, const char* bytes, size_t count) {
  if (line->out_of_memory) return;
  if (count > line->capacity - line->length) {
    size_t capacity = line->capacity * 2 + count + 256;
    char* text = realloc(line->text, capacity);
    if (text == NULL) {
      line->out_of_memory = 1;
      return;
    }
    line->text = text;
    line->capacity = capacity;
  }
  memcpy(line->text + line->length, bytes, count);
  line->length += count;
}

static void put(json_line* line, const char* text) { put_bytes(line, text, strlen(text)); }

/* The length of the well-formed UTF-8 sequence at the front, or 0. */
static size_t utf8_sequence(const unsigned char* at, size_t left) {
  unsigned char lead = at[0];
  unsigned char low = 0x80, high = 0xBF; /* what the second byte may be */
  size_t length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  if (lead > 0xF4 || length > left) return 0;
  for (size_t i = 1; i < length; ++i) {
    if (at[i] < low || at[i] > high) return 0;
    low = 0x80;
    high = 0xBF;
  }
  return length;
}

static void put_escaped(json_line* line, tuner_string text) {
  const unsigned char* bytes = (const unsigned char*)text.data;
  size_t length = bytes == NULL ? 0 : (size_t)text.length;
  int repaired = 0;
  for (size_t i = 0; i < length;) {
    size_t sequence = utf8_sequence(bytes + i, length - i);
    if (sequence == 0) {
      put(line, "\xEF\xBF\xBD");
      repaired = 1;
      sequence = 1;
    } else if (bytes[i] == '"' || bytes[i] == '\\') {
      put(line, bytes[i] == '"' ? "\\\"" : "\\\\");
    } else if (bytes[i] < 0x20) {
      char escape[8];
      snprintf(escape, sizeof escape, "\\u%04x", bytes[i]);
      put(line, escape);
    } else {
      put_bytes(line, (const char*)bytes + i, sequence);
    }
    i += sequence;
  }
  line->texts_repaired += (uint64_t)repaired;
}

static void put_text(json_line* line, tuner_string text) {
  put(line, "\"");
  put_escaped(line, text);
  put(line, "\"");
}

static void put_int64(json_line* line, int64_t number) {
  char digits[24];
  snprintf(digits, sizeof digits, "%" PRId64, number);
  put(line, digits);
}

static void put_uint64(json_line* line, uint64_t number) {
  char digits[24];
  snprintf(digits, sizeof digits, "%" PRIu64, number);
  put(line, digits);
}

/* Takes the bits, because a NaN may change on its way through a floating-point register. */
static void put_double(json_line* line, uint64_t bits) {
  const uint64_t exponent = 0x7FF0000000000000u, fraction = 0x000FFFFFFFFFFFFFu;
  char text[64];
  if ((bits & exponent) == exponent) {
    const char* name = (bits & fraction) != 0 ? "nan" : bits >> 63 ? "-inf" : "inf";
    snprintf(text, sizeof text, "{\"$double\":\"%s\",\"bits\":\"%016" PRIx64 "\"}", name, bits);
    put(line, text);
    return;
  }
  double number;
  memcpy(&number, &bits, sizeof number);
  snprintf(text, sizeof text, "%.17g", number);
  /* The host may have set a locale: whatever stands for the decimal point is made a point. */
  char digits[64];
  size_t count = 0;
  int has_mark = 0;
  for (const char* at = text; *at != '\0'; ++at) {
    if (*at == 'e') has_mark = 1;
    if (strchr("+-0123456789e", *at) != NULL) {
      digits[count++] = *at;
    } else if (!has_mark) {
      digits[count++] = '.';
      has_mark = 1;
    }
  }
  put_bytes(line, digits, count);
  if (!has_mark) put(line, ".0");
}

static void put_hex(json_line* line, tuner_string bytes) {
  put(line, "{\"$bytes\":\"");
  for (uint64_t i = 0; bytes.data != NULL && i < bytes.length; ++i) {
    char digits[4];
    snprintf(digits, sizeof digits, "%02x", (unsigned char)bytes.data[i]);
    put(line, digits);
  }
  put(line, "\"}");
}

/* A value of a tag we do not know, or too deep, is skipped; so is everything beyond the number of
 * nodes that a tree may have. */
static int must_skip(const tuner_value* value, unsigned level) {
  int is_container = value->tag == TUNER_TAG_LIST || value->tag == TUNER_TAG_MAP;
  if (value->tag < TUNER_TAG_NULL || value->tag > TUNER_TAG_MAP) return 1;
  return is_container && level > TUNER_VALUE_DEPTH_MAX;
}

static void put_value(json_line* line, const tuner_value* value, unsigned level);

/* Lists and maps differ only in where the n-th value is and in the key before it. */
static void put_container(json_line* line, const tuner_value* value, unsigned level) {
  const int is_map = value->tag == TUNER_TAG_MAP;
  const tuner_value* items = is_map ? NULL : value->as.list.items;
  const tuner_entry* entries = is_map ? value->as.map.entries : NULL;
  uint64_t count = is_map ? value->as.map.count : value->as.list.count;
  int is_first = 1;
  if (items == NULL && entries == NULL) count = 0;
  put(line, is_map ? "{" : "[");
  for (uint64_t i = 0; i < count; ++i) {
    const tuner_value* item = is_map ? &entries[i].value : &items[i];
    if (line->nodes >= TUNER_VALUE_NODES_MAX) {
      line->nodes_skipped += count - i;
      break;
    }
    if (must_skip(item, level + 1)) {
      line->nodes_skipped += 1;
      continue;
    }
    if (!is_first) put(line, ",");
    is_first = 0;
    if (is_map) {
      tuner_string key = entries[i].key;
      put(line, key.data != NULL && key.length > 0 && key.data[0] == '$' ? "\"$" : "\"");
      put_escaped(line, key);
      put(line, "\":");
    }
    put_value(line, item, level + 1);
  }
  put(line, is_map ? "}" : "]");
}

static void put_value(json_line* line, const tuner_value* value, unsigned level) {
  line->nodes += 1;
  if (value->tag >= TUNER_TAG_BOOL && value->tag <= TUNER_TAG_DOUBLE) line->numbers += 1;
  switch (value->tag) {
    case TUNER_TAG_NULL:
      put(line, "null");
      break;
    case TUNER_TAG_BOOL:
      put(line, value->as.boolean != 0 ? "true" : "false");
      break;
    case TUNER_TAG_INT64:
      put_int64(line, value->as.int64);
      break;
    case TUNER_TAG_UINT64:
      put(line, "{\"$uint64\":");
      put_uint64(line, value->as.uint64);
      put(line, "}");
      break;
    case TUNER_TAG_DOUBLE:
      put_double(line, value->as.uint64);
      break;
    case TUNER_TAG_STRING:
      put_text(line, value->as.string);
      break;
    case TUNER_TAG_BYTES:
      put_hex(line, value->as.string);
      break;
    default:
      put_container(line, value, level);
      break;
  }
}

static void put_key(json_line* line, const char* key) {
  put(line, line->length > 1 ? ",\"" : "\"");
  put(line, key);
  put(line, "\":");
}

void json_line_begin(json_line* line) {
  line->length = 0;
  line->out_of_memory = 0;
  line->numbers = 0;
  put(line, "{");
}

void json_line_end(json_line* line) { put(line, "}\n"); }

void json_line_string(json_line* line, const char* key, tuner_string text) {
  put_key(line, key);
  put_text(line, text);
}

void json_line_int(json_line* line, const char* key, int64_t number) {
  put_key(line, key);
  put_int64(line, number);
}

void json_line_uint(json_line* line, const char* key, uint64_t number) {
  put_key(line, key);
  put_uint64(line, number);
}

void json_line_value(json_line* line, const char* key, const tuner_value* value) {
  line->nodes = 0;
  put_key(line, key);
  if (must_skip(value, 1)) {
    line->nodes_skipped += 1;
    put(line, "null");
  } else {
    put_value(line, value, 1);
  }
}

void json_line_string_if(json_line* line, const char* key, tuner_string text) {
  if (text.length > 0) json_line_string(line, key, text);
}

void json_line_int_if(json_line* line, const char* key, int64_t number) {
  if (number != 0) json_line_int(line, key, number);
}

void json_line_uint_if(json_line* line, const char* key, uint64_t number) {
  if (number != 0) json_line_uint(line, key, number);
}

void json_line_value_if(json_line* line, const char* key, const tuner_value* value) {
  if (value != NULL) json_line_value(line, key, value);
}

void json_line_strings_if(json_line* line, const char* key, const tuner_string* texts,
                          uint64_t count) {
  if (texts == NULL || count == 0) return;
  put_key(line, key);
  for (uint64_t i = 0; i < count; ++i) {
    put(line, i == 0 ? "[" : ",");
    put_text(line, texts[i]);
  }
  put(line, "]");
}

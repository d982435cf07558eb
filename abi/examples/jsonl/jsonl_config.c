/* SPDX-License-Identifier: Apache-2.0 */
#include "jsonl_config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char default_path[] = "events.jsonl";

static int is_equal(tuner_string a, const char* b) {
  return a.length == strlen(b) && (a.length == 0 || memcmp(a.data, b, a.length) == 0);
}

static int is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static tuner_string trim(tuner_string text) {
  while (text.length > 0 && is_space(text.data[0])) text.data += 1, text.length -= 1;
  while (text.length > 0 && is_space(text.data[text.length - 1])) text.length -= 1;
  return text;
}

/* A scalar as in YAML, as far as a file name needs it. */
static tuner_string unquote(tuner_string text) {
  text = trim(text);
  if (text.length >= 2 && (text.data[0] == '"' || text.data[0] == '\'') &&
      text.data[text.length - 1] == text.data[0]) {
    text.data += 1;
    text.length -= 2;
  }
  return text;
}

/* `where` is how a message begins: "FILE:" or "configuration:". */
static int parse(tuner_string text, const char* where, tuner_string* value, char* problem) {
  unsigned number = 0;
  while (text.length > 0) {
    const char* end = memchr(text.data, '\n', text.length);
    uint64_t length = end == NULL ? text.length : (uint64_t)(end - text.data);
    tuner_string line = trim((tuner_string){text.data, length});
    uint64_t consumed = end == NULL ? length : length + 1;
    text.data += consumed;
    text.length -= consumed;
    number += 1;
    if (line.length == 0 || line.data[0] == '#') continue;
    const char* colon = memchr(line.data, ':', line.length);
    tuner_string key = {line.data, colon == NULL ? line.length : (uint64_t)(colon - line.data)};
    if (colon == NULL || !is_equal(trim(key), "path")) {
      snprintf(problem, JSONL_PROBLEM_MAX, "%s%u:1: '%.*s': the only key is 'path'", where, number,
               key.length < 60 ? (int)key.length : 60, key.data);
      return 0;
    }
    *value = unquote((tuner_string){colon + 1, line.length - key.length - 1});
    if (value->length == 0) {
      snprintf(problem, JSONL_PROBLEM_MAX, "%s%u:1: 'path' names no file", where, number);
      return 0;
    }
  }
  return 1;
}

static int read_file(const char* name, char* content, size_t capacity, size_t* length) {
  FILE* file = fopen(name, "re");
  if (file == NULL) return errno;
  *length = fread(content, 1, capacity, file);
  int problem = ferror(file) ? EIO : *length == capacity ? EFBIG : 0;
  fclose(file);
  return problem;
}

static int join(tuner_string dir, tuner_string name, char path[JSONL_PATH_MAX], char* problem) {
  int is_absolute = name.data[0] == '/';
  if (is_absolute) dir.length = 0;
  if (dir.length + name.length + 2 > JSONL_PATH_MAX ||
      memchr(name.data, '\0', name.length) != NULL) {
    snprintf(problem, JSONL_PROBLEM_MAX, "'path' is too long or has a NUL in it");
    return 0;
  }
  snprintf(path, JSONL_PATH_MAX, "%.*s%s%.*s", (int)dir.length, dir.data == NULL ? "" : dir.data,
           dir.length > 0 ? "/" : "", (int)name.length, name.data);
  return 1;
}

/* The directory part of a file's name; "" for the working directory. */
static tuner_string directory_of(tuner_string file) {
  while (file.length > 0 && file.data[file.length - 1] != '/') file.length -= 1;
  return file;
}

int jsonl_config_path(const tuner_create_args* args, char path[JSONL_PATH_MAX],
                      char problem[JSONL_PROBLEM_MAX]) {
  tuner_string value = {default_path, strlen(default_path)};
  tuner_string dir = args->base_dir;
  char content[JSONL_PATH_MAX], name[JSONL_PATH_MAX], where[JSONL_PATH_MAX + 1];
  if (args->config_text.length > 0) {
    if (!parse(args->config_text, "configuration:", &value, problem)) return 0;
  } else if (args->config_path.length > 0) {
    size_t length = 0;
    if (!join((tuner_string){NULL, 0}, args->config_path, name, problem)) return 0;
    int file_error = read_file(name, content, sizeof content, &length);
    if (file_error != 0) {
      snprintf(problem, JSONL_PROBLEM_MAX, "cannot read %s: %s", name, strerror(file_error));
      return 0;
    }
    snprintf(where, sizeof where, "%s:", name);
    dir = directory_of(args->config_path);
    if (!parse((tuner_string){content, length}, where, &value, problem)) return 0;
  }
  for (uint64_t i = 0; i < args->setting_count; ++i) {
    if (!is_equal(args->settings[i].key, "path")) {
      tuner_string key = args->settings[i].key;
      snprintf(problem, JSONL_PROBLEM_MAX, "setting '%.*s': the only key is 'path'",
               key.length < 60 ? (int)key.length : 60, key.data == NULL ? "" : key.data);
      return 0;
    }
    value = unquote(args->settings[i].value);
    dir = args->base_dir;
    if (value.length == 0) {
      snprintf(problem, JSONL_PROBLEM_MAX, "setting 'path' names no file");
      return 0;
    }
  }
  return join(dir, value, path, problem);
}

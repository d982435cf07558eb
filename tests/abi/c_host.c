/* A host in plain C11: loads any plugin, runs a small job, unloads it again.
 *
 * usage: c_host PLUGIN.so CONFIG_TEXT BASE_DIR
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tuner_plugin.h"

static char text[512];
static tuner_error error = {sizeof(tuner_error), sizeof text, text, 0, 0};

static tuner_string string(const char* from) { return (tuner_string){from, strlen(from)}; }

/* Ends the program where a call did not go well. */
static void must(const char* what, tuner_status status) {
  if (status == TUNER_OK) return;
  fprintf(stderr, "%s returned %d: %.*s\n", what, (int)status, (int)error.length, text);
  exit(1);
}

#define CALL(slot, event) \
  must(#slot, TUNER_HAS(plugin, slot) ? plugin->slot(instance, event, &error) : TUNER_OK)

static tuner_value number(double from) {
  return (tuner_value){.tag = TUNER_TAG_DOUBLE, .as = {.float64 = from}};
}

static tuner_value bits(uint64_t from) {
  return (tuner_value){.tag = TUNER_TAG_DOUBLE, .as = {.uint64 = from}};
}

static tuner_value words(tuner_tag tag, const char* data, uint64_t length) {
  return (tuner_value){.tag = tag, .as = {.string = {data, length}}};
}

/* One value of every kind, among them those that JSON and floating point like to lose. */
static void report_everything(const tuner_plugin* plugin, tuner_instance* instance) {
  const tuner_value items[] = {
      number(1), words(TUNER_TAG_STRING, "two", 3), {.tag = TUNER_TAG_NULL}};
  const tuner_entry inner[] = {
      {string("accuracy"), number(0.1)},
      {string("$bytes"), words(TUNER_TAG_STRING, "not bytes", 9)},
  };
  const tuner_entry entries[] = {
      {string("int"), {.tag = TUNER_TAG_INT64, .as = {.int64 = INT64_MIN}}},
      {string("uint"), {.tag = TUNER_TAG_UINT64, .as = {.uint64 = UINT64_MAX}}},
      {string("small uint"), {.tag = TUNER_TAG_UINT64, .as = {.uint64 = 5}}},
      {string("whole"), number(3)},
      {string("tenth"), number(0.1)},
      {string("large"), number(1e300)},
      {string("tiny"), number(5e-324)},
      {string("minus zero"), bits(0x8000000000000000u)},
      {string("nan"), bits(0x7FF8000000000ABCu)},
      {string("signalling nan"), bits(0xFFF0000000000001u)},
      {string("inf"), number(INFINITY)},
      {string("minus inf"), number(-INFINITY)},
      {string("true"), {.tag = TUNER_TAG_BOOL, .as = {.boolean = 1}}},
      {string("null"), {.tag = TUNER_TAG_NULL}},
      {string("bytes"), words(TUNER_TAG_BYTES, "\0\xFF", 2)},
      {string("nul"), words(TUNER_TAG_STRING, "a\0b", 3)},
      {string("quote \" and \\ and\nline"), words(TUNER_TAG_STRING, "\t\"\\", 3)},
      {string("bad"), words(TUNER_TAG_STRING, "a\xC3(\xE2\x82", 5)},
      {string("again"), number(1)},
      {string("again"), number(2)},
      {string("unknown"), {.tag = 77}},
      {string("list"), {.tag = TUNER_TAG_LIST, .as = {.list = {items, 3}}}},
      {string("empty list"), {.tag = TUNER_TAG_LIST}},
      {string("map"), {.tag = TUNER_TAG_MAP, .as = {.map = {inner, 2}}}},
  };
  const tuner_value result = {.tag = TUNER_TAG_MAP,
                              .as = {.map = {entries, sizeof entries / sizeof entries[0]}}};
  tuner_trial_result_event event = {.size = sizeof event, .trial_id = string("t1")};
  event.time_ns = 1234567890123456789;
  event.trial_key = 1;
  event.result = &result;
  CALL(on_trial_result, &event);
}

static void run_job(const tuner_plugin* plugin, tuner_instance* instance) {
  tuner_setup_event setup = {.size = sizeof setup, .host_name = string("c_host")};
  tuner_trial trial = {.size = sizeof trial, .id = string("t1"), .attempt = 1};
  tuner_trial_start_event start = {.size = sizeof start, .trial_key = 1, .trial = &trial};
  tuner_trial_end_event end = {.size = sizeof end, .trial_key = 1, .trial_id = trial.id};
  tuner_experiment_end_event over = {.size = sizeof over};
  setup.experiment_name = string("a job in C");
  CALL(setup, &setup);
  CALL(on_trial_start, &start);
  report_everything(plugin, instance);
  CALL(on_trial_complete, &end);
  CALL(on_experiment_end, &over);
}

static const tuner_plugin* load(void* library) {
  tuner_entry_args args = {.size = sizeof args, .host_name = string("c_host"), .error = &error};
  tuner_plugin_entry_fn entry;
  args.host_abi_min = TUNER_ABI_VERSION_MIN;
  args.host_abi_max = TUNER_ABI_VERSION_MAX;
  *(void**)&entry = dlsym(library, TUNER_PLUGIN_ENTRY_NAME);
  if (entry == NULL) return NULL;
  return entry(&args);
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  const tuner_plugin* plugin = load(library);
  if (plugin == NULL) {
    fprintf(stderr, "refused: %.*s\n", (int)error.length, text);
    return 1;
  }
  tuner_create_args args = {.size = sizeof args, .config_text = string(argv[2])};
  tuner_instance* instance = NULL;
  args.base_dir = string(argv[3]);
  must("create", plugin->create(&args, &instance, &error));
  run_job(plugin, instance);
  must("destroy", plugin->destroy(instance, &error));
  const int is_unload_safe = (plugin->flags & TUNER_FLAG_UNLOAD_SAFE) != 0;
  dlclose(library);
  if (is_unload_safe && dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD) != NULL) {
    fprintf(stderr, "the plugin is still loaded\n");
    return 1;
  }
  return 0;
}

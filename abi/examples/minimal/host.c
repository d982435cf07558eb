/* A host in ten lines: loads a plugin, reports one result, and ends. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "tuner_plugin.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return 1;
  tuner_plugin_entry_fn entry;
  *(void**)&entry = dlsym(library, TUNER_PLUGIN_ENTRY_NAME);

  /* begin: host */
  char text[512] = "";
  tuner_error error = {.size = sizeof error, .capacity = sizeof text - 1, .text = text};
  tuner_entry_args hello = {.size = sizeof hello, .host_abi_min = 1, .host_abi_max = 1};
  const tuner_plugin* plugin = entry(&hello);
  tuner_create_args args = {.size = sizeof args, .config_text = {argv[2], strlen(argv[2])}};
  tuner_instance* instance = NULL;
  if (plugin == NULL || plugin->create(&args, &instance, &error) < 0) return puts(text), 1;
  tuner_entry loss = {{"loss", 4}, {.tag = TUNER_TAG_DOUBLE, .as = {.float64 = 0.5}}};
  tuner_value result = {.tag = TUNER_TAG_MAP, .as = {.map = {&loss, 1}}};
  tuner_trial_result_event event = {.size = sizeof event, .trial_id = {"t1", 2}, .result = &result};
  if (TUNER_HAS(plugin, on_trial_result)) plugin->on_trial_result(instance, &event, &error);
  plugin->destroy(instance, &error);
  /* end: host */

  return dlclose(library);
}

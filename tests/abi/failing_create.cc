// A create that fails when everything but its thread stands: it says so, and leaves no journal.
//
// usage: failing_create PLUGIN.so BASE_DIR
#include <dlfcn.h>
#include <pthread.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "tuner_plugin.h"

static bool refuse_threads = false;

// Before the C library's: a machine whose limit on threads is reached.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*start)(void*), void* argument) {
  using Function = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "pthread_create"));
  return refuse_threads ? EAGAIN : real(thread, attributes, start, argument);
}

namespace {

tuner_string string(const char* text) { return {text, std::strlen(text)}; }

int fail(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  return 1;
}

int run(const tuner_plugin& plugin, const char* directory) {
  char text[1000];
  tuner_error error{};
  error.size = sizeof error;
  error.capacity = sizeof text;
  error.text = text;
  tuner_create_args args{};
  args.size = sizeof args;
  args.config_text = string("repo: .");
  args.base_dir = string(directory);
  tuner_instance* instance = nullptr;
  const auto journals = std::filesystem::path(directory) / ".aimlog" / "journals";
  refuse_threads = true;
  for (int i = 0; i < 3; ++i) {
    if (plugin.create(&args, &instance, &error) == TUNER_OK) return fail("create has no thread");
    if (error.length == 0) return fail("create says nothing");
    if (!std::filesystem::is_empty(journals)) return fail("create leaves a journal");
  }
  refuse_threads = false;
  if (plugin.create(&args, &instance, &error) != TUNER_OK) return fail("create fails for ever");
  if (std::filesystem::is_empty(journals)) return fail("an instance has no journal");
  return plugin.destroy(instance, &error) == TUNER_OK ? 0 : fail("destroy fails");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return fail(dlerror());
  const auto entry =
      reinterpret_cast<tuner_plugin_entry_fn>(dlsym(library, TUNER_PLUGIN_ENTRY_NAME));
  tuner_entry_args args{};
  args.size = sizeof args;
  args.host_abi_min = args.host_abi_max = 1;
  const tuner_plugin* plugin = entry == nullptr ? nullptr : entry(&args);
  return plugin == nullptr ? fail("the plugin refuses") : run(*plugin, argv[2]);
}

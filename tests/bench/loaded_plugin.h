// A plugin loaded as a host loads it.
#pragma once

#include <dlfcn.h>

#include <filesystem>
#include <stdexcept>
#include <string>

#include "abi/include/tuner_plugin.hpp"

namespace aimlog::bench {

// `config` is YAML; its relative paths begin at `directory`.
inline tuner::Plugin load_plugin(const std::string& path, const std::string& config,
                                 const std::filesystem::path& directory) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(dlerror());
  const auto entry =
      reinterpret_cast<tuner_plugin_entry_fn>(dlsym(library, TUNER_PLUGIN_ENTRY_NAME));
  auto args = tuner::make<tuner_create_args>();
  const std::string base = directory.string();
  args.config_text = tuner::text(config);
  args.base_dir = tuner::text(base);
  return tuner::Plugin(entry, args, "bench");
}

}  // namespace aimlog::bench

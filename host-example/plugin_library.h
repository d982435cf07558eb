// Loading and unloading: the one place that knows Boost.DLL.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include <tuner_plugin.h>

namespace example {

// A plugin's library, loaded while this lives.
class PluginLibrary {
 public:
  // Throws std::runtime_error with the loader's own words.
  explicit PluginLibrary(const std::string& path);
  ~PluginLibrary();
  PluginLibrary(const PluginLibrary&) = delete;
  PluginLibrary& operator=(const PluginLibrary&) = delete;

  tuner_plugin_entry_fn entry() const;
  // The library stays in the process for ever, for plugins that cannot be unloaded.
  void keep_loaded();

 private:
  struct Loaded;
  std::unique_ptr<Loaded> loaded_;
};

}  // namespace example

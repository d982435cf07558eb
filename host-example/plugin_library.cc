// SPDX-License-Identifier: Apache-2.0
#include "host-example/plugin_library.h"

#include <stdexcept>
#include <type_traits>

#include <boost/dll/shared_library.hpp>

namespace example {

struct PluginLibrary::Loaded {
  boost::dll::shared_library library;
};

PluginLibrary::PluginLibrary(const std::string& path) : loaded_(std::make_unique<Loaded>()) {
  boost::dll::fs::error_code problem;
  // Every symbol is bound now, not in the middle of a job, and none is offered to other libraries.
  loaded_->library.load(path, problem,
                        boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
  if (problem) throw std::runtime_error("cannot load " + path + ": " + problem.message());
  if (!loaded_->library.has(TUNER_PLUGIN_ENTRY_NAME)) {
    throw std::runtime_error(path + " is no plugin: it has no " TUNER_PLUGIN_ENTRY_NAME);
  }
}

PluginLibrary::~PluginLibrary() = default;

tuner_plugin_entry_fn PluginLibrary::entry() const {
  return &loaded_->library.get<std::remove_pointer_t<tuner_plugin_entry_fn>>(
      TUNER_PLUGIN_ENTRY_NAME);
}

void PluginLibrary::keep_loaded() { new boost::dll::shared_library(loaded_->library); }

}  // namespace example

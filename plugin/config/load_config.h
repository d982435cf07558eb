// YAML and overrides to Config. Every mistake is an Error(invalid_config) whose text says
// file:line:column, key, what is wrong and what would be right.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/config/config.h"

namespace aimlog {

// A setting from the host that wins over the file: key with dots (`log.level`), YAML scalar or flow
// sequence. Of two overrides of one key the later wins.
struct Override {
  std::string key;
  std::string value;
};

struct ConfigSource {
  std::filesystem::path path = {};  // a file; or
  std::string text = {};            // YAML text; or neither: defaults
  bool has_text = false;
  std::filesystem::path base_dir = {};  // for `text` and overrides; empty = the working directory
  std::vector<Override> overrides = {};
};

// Reads and checks everything; nothing is created, and whether the repo can be used is for others
// to find out. Any thread. Throws Error(invalid_config); a file that cannot be read is one too.
Config load_config(const ConfigSource& source);

}  // namespace aimlog

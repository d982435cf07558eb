// YAML and overrides to Config. Every mistake is an Error(invalid_config) whose text says
// file:line:column, key, what is wrong and what would be right.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/config/config.h"

namespace aimlog {

// A setting from the host that wins over the file: key with dots, YAML scalar or flow sequence.
struct Override {
  std::string key;
  std::string value;
};

struct ConfigSource {
  std::filesystem::path path;  // a file; or
  std::string text;            // YAML text; or neither: defaults
  bool has_text = false;
  std::filesystem::path base_dir;  // for `text` and overrides; empty = the working directory
  std::vector<Override> overrides;
};

Config load_config(const ConfigSource& source);

}  // namespace aimlog

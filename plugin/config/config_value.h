// One value of the configuration: from the YAML tree, by the key's table row, to checked data.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "plugin/config/config_keys.h"
#include "plugin/config/yaml_tree.h"

namespace aimlog {

struct ConfigMistake {
  YamlPlace place;
  std::string key;  // may be empty
  std::string what;
};

// In quotes, shortened, control characters escaped: fit for an error text.
std::string in_quotes(std::string_view text);

// Throws ConfigMistake. `base` is what relative paths rest on.
KeyValue read_value(const ConfigKey& key, const YamlNode& node, const std::filesystem::path& base);

}  // namespace aimlog

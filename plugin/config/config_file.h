// Reading the configuration file.
#pragma once

#include <filesystem>
#include <string>

namespace aimlog {

// The whole file. Throws Error(invalid_config), with the path and what to do, if it cannot be read,
// is no regular file, or is longer than any configuration.
std::string read_config_file(const std::filesystem::path& path);

}  // namespace aimlog

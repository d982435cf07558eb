// Paths from the configuration: `~`, relative ones, and the repo's.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace aimlog {

// Absolute and without `.`, `..` and a trailing slash, by its text alone: links are not followed.
// `~` and `~/x` are the home directory; a relative path rests on `base`, which is absolute. What
// cannot be expanded throws Error(invalid_config) that says why.
std::filesystem::path resolve_path(std::string_view text, const std::filesystem::path& base);

// `base` made absolute; empty is the working directory. Throws Error(invalid_config) if there is
// none.
std::filesystem::path absolute_directory(const std::filesystem::path& base);

// A path that names the `.aimlog` directory itself means the directory around it.
std::filesystem::path repo_directory(const std::filesystem::path& named);

}  // namespace aimlog

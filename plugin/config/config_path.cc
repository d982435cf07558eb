#include "plugin/config/config_path.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <system_error>
#include <vector>

#include "plugin/base/error.h"

namespace aimlog {
namespace {

std::filesystem::path home_directory() {
  const char* named = std::getenv("HOME");
  if (named != nullptr && named[0] == '/') return named;
  std::vector<char> buffer(16 * 1024);
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(getuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr &&
      found->pw_dir != nullptr && found->pw_dir[0] == '/') {
    return found->pw_dir;
  }
  throw Error(ErrorCode::invalid_config, "~ has no meaning: there is no home directory");
}

std::filesystem::path normal(const std::filesystem::path& path) {
  std::filesystem::path result = path.lexically_normal();
  if (!result.has_filename() && result.has_relative_path()) result = result.parent_path();
  return result;
}

}  // namespace

std::filesystem::path resolve_path(std::string_view text, const std::filesystem::path& base) {
  if (!text.starts_with('~')) return normal(base / text);
  if (text.size() > 1 && text[1] != '/') {
    throw Error(ErrorCode::invalid_config,
                "only ~ and ~/ are expanded, not other people's; write the path out, or begin it "
                "with ./ if it really starts with ~");
  }
  const size_t rest = text.find_first_not_of('/', 1);
  return normal(rest == std::string_view::npos ? home_directory()
                                               : home_directory() / text.substr(rest));
}

std::filesystem::path absolute_directory(const std::filesystem::path& base) {
  std::error_code error;
  const std::filesystem::path result =
      base.empty() ? std::filesystem::current_path(error) : std::filesystem::absolute(base, error);
  if (error) {
    throw Error(
        ErrorCode::invalid_config,
        "there is no working directory that relative paths could rest on: " + error.message());
  }
  return normal(result);
}

std::filesystem::path repo_directory(const std::filesystem::path& named) {
  return named.filename() == ".aimlog" ? named.parent_path() : named;
}

}  // namespace aimlog

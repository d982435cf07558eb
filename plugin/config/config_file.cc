#include "plugin/config/config_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "plugin/base/error.h"
#include "plugin/base/unique_fd.h"
#include "plugin/config/yaml_tree.h"

namespace aimlog {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  throw Error(ErrorCode::invalid_config, path.string() + ": " + what);
}

std::string reason(int error_number) { return std::generic_category().message(error_number); }

}  // namespace

std::string read_config_file(const std::filesystem::path& path) {
  // O_NONBLOCK: a pipe without a writer would hold up the host for ever.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) fail(path, "the configuration cannot be opened: " + reason(errno));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) fail(path, reason(errno));
  if (S_ISDIR(status.st_mode)) fail(path, "a directory; name the YAML file in it");
  if (!S_ISREG(status.st_mode)) fail(path, "not a regular file");
  std::string text;
  char buffer[16 * 1024];
  while (text.size() <= max_yaml_bytes) {
    const ssize_t count = ::read(fd.get(), buffer, sizeof buffer);
    if (count == 0) return text;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(path, "the configuration cannot be read: " + reason(errno));
    text.append(buffer, static_cast<size_t>(count));
  }
  fail(path, "longer than 1 MiB; that is no configuration");
}

}  // namespace aimlog

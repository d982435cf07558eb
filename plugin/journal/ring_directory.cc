// The rings of a repo as files: their list, and what unfinished makings left behind.
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "plugin/base/clock.h"
#include "plugin/base/error.h"
#include "plugin/base/file.h"
#include "plugin/journal/dead_ring.h"
#include "plugin/journal/ring_format.h"

namespace aimlog {
namespace {

// Between the making of a file and its lock a ring is unlocked though its maker lives; no maker is
// that slow.
constexpr int64_t unfinished_age_ns = 60 * INT64_C(1000000000);

struct AgedRing {
  int64_t created_ns = 0;
  std::filesystem::path path;
  auto operator<=>(const AgedRing&) const = default;
};

// 0 if it cannot be told: such a ring comes first, and whoever opens it says what is wrong.
int64_t creation_time(const std::filesystem::path& path) {
  try {
    const UniqueFd fd = open_file(path, O_RDONLY);
    Bytes page(sizeof(RingHeader), '\0');
    page.resize(read_all_at(fd.get(), page.data(), page.size(), 0, path));
    return check_ring_header(page, path).created_ns;
  } catch (const Error&) {
    return 0;
  }
}

// Not by directory_iterator: it ends the process where memory is out.
template <typename Visit>
void for_each_file(const std::filesystem::path& directory, std::string_view suffix, Visit visit) {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(directory.c_str()), ::closedir);
  if (!entries && errno == ENOENT) return;
  if (!entries) throw system_error("cannot list " + directory.string(), errno);
  errno = 0;
  while (const dirent* entry = ::readdir(entries.get())) {
    if (std::string_view(entry->d_name).ends_with(suffix)) visit(directory / entry->d_name);
    errno = 0;
  }
  if (errno != 0) throw system_error("cannot list " + directory.string(), errno);
}

void remove_if_unfinished(const std::filesystem::path& path) {
  const UniqueFd fd = open_file(path, O_RDONLY);
  struct stat status;
  if (file_calls().fstat(fd.get(), &status) != 0) return;
  const int64_t changed_ns = status.st_mtim.tv_sec * INT64_C(1000000000) + status.st_mtim.tv_nsec;
  if (wall_clock_ns() - changed_ns < unfinished_age_ns) return;
  if (try_lock_file(fd.get(), LOCK_EX, path)) remove_file(path);
}

}  // namespace

std::vector<std::filesystem::path> list_rings(const std::filesystem::path& directory) {
  std::vector<AgedRing> rings;
  for_each_file(directory, ".ring", [&](const std::filesystem::path& path) {
    rings.push_back({creation_time(path), path});
  });
  std::sort(rings.begin(), rings.end());
  std::vector<std::filesystem::path> paths;
  for (AgedRing& ring : rings) paths.push_back(std::move(ring.path));
  return paths;
}

void remove_unfinished_rings(const std::filesystem::path& directory) {
  for_each_file(directory, ".ring.tmp", [](const std::filesystem::path& path) {
    try {
      remove_if_unfinished(path);
    } catch (const Error&) {
      // It stays for the next time: a read-only repo has such files for ever, and that is no harm.
    }
  });
}

}  // namespace aimlog

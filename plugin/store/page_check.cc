#include "plugin/store/page_check.h"

#include <fcntl.h>

#include <cerrno>
#include <chrono>
#include <string>

#include "plugin/base/file.h"
#include "plugin/store/page_metas.h"
#include "plugin/store/page_walk.h"
#include "plugin/store/repo_files.h"
#include "plugin/store/timed_lock.h"

namespace aimlog {
namespace {

// Up to this size a walk takes a few milliseconds and is done at every open.
constexpr uint64_t always_walked_bytes = 4 << 20;
constexpr int tries_without_lock = 3;

// A writer may commit twice while we look, and use pages of the state that we look at. So a finding
// counts only if no commit came meanwhile; in the end writers are held up for a moment.
template <typename Check>
void with_still_file(const RepoPaths& paths, const Check& check) {
  for (int i = 0; i < tries_without_lock; ++i) {
    try {
      check();
      return;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::corrupt) throw;
    }
  }
  // Who makes a repo holds the lock already, by another descriptor, so waiting has an end.
  const TimedLock lock(LockFd::open(paths.write_lock, O_RDONLY), LOCK_SH, std::chrono::seconds(1));
  check();
}

}  // namespace

void check_pages(const RepoPaths& paths, bool may_write, bool everything) {
  const std::filesystem::path mark = paths.root / "checked";
  const std::string boot = boot_id();
  const UniqueFd fd(::open(paths.data.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    if (errno != ENOENT) throw system_error("cannot open " + paths.data.string(), errno);
    // What is made now needs no look before the machine has been started anew.
    if (may_write && !boot.empty()) replace_file(mark, boot);
    return;
  }
  const uint64_t size = file_size(fd.get(), paths.data);
  if (size == 0) return;
  const bool new_boot = boot.empty() || read_small_file(mark) != boot;
  const bool walk = everything || new_boot || size <= always_walked_bytes;
  with_still_file(paths, [&] {
    const Metas metas = read_metas(fd.get(), paths);
    const uint64_t bytes = file_size(fd.get(), paths.data);
    // A file may rightly end before free pages that were never written: only a walk can tell.
    const bool is_short = bytes < (metas.newest.last_page + 1) * metas.page_bytes;
    if (walk || is_short) {
      PageWalk(fd.get(), paths.data, metas.newest, metas.page_bytes, bytes).run();
    }
  });
  if (walk && new_boot && may_write && !boot.empty()) replace_file(mark, boot);
}

}  // namespace aimlog

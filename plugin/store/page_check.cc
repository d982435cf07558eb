#include "plugin/store/page_check.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "plugin/base/file.h"
#include "plugin/store/page_walk.h"
#include "plugin/store/repo_files.h"
#include "plugin/store/write_lock.h"

namespace aimlog {
namespace {

// Up to this size a walk takes a few milliseconds and is done at every open.
constexpr uint64_t always_walked_bytes = 4 << 20;
constexpr int tries_without_lock = 3;

struct Metas {
  MetaRecord newest;
  size_t page_bytes;
};

[[noreturn]] void fail_meta(const RepoPaths& paths, const std::string& why) {
  throw Error(ErrorCode::corrupt, paths.data.string() + " is damaged at its head (page 0 or 1): " +
                                      why + "; restore it from a backup");
}

MetaRecord read_meta(int fd, const RepoPaths& paths, uint64_t page, size_t page_bytes) {
  Bytes bytes(page_header_bytes + meta_bytes, '\0');
  const size_t size = read_all_at(fd, bytes.data(), bytes.size(), page * page_bytes, paths.data);
  if (size != bytes.size()) fail_meta(paths, "the file ends there");
  const auto meta = load_at<MetaRecord>(bytes, page_header_bytes);
  if (load_at<uint64_t>(bytes, 0) != page || load_at<uint16_t>(bytes, 10) != meta_page ||
      meta.magic != lmdb_magic) {
    fail_meta(paths, "it is no page of LMDB");
  }
  if (meta.version != lmdb_version) {
    throw Error(ErrorCode::unsupported,
                paths.data.string() + " was written by another LMDB (version " +
                    std::to_string(meta.version) + " of its format, not 1)");
  }
  return meta;
}

void check_meta(const RepoPaths& paths, const MetaRecord& meta, size_t page_bytes) {
  constexpr uint64_t map_bytes_max = uint64_t{1} << 46;
  if (meta.trees[0].pad != page_bytes) fail_meta(paths, "the two pages differ in page size");
  if (meta.address != 0 || meta.trees[1].pad != 0 || (meta.trees[1].flags & 0xff) != 0 ||
      (meta.trees[0].flags & 0xff) != integer_key_flag) {
    fail_meta(paths, "it has flags that it never had");
  }
  if (meta.last_page < 1 || meta.last_page >= map_bytes_max / page_bytes ||
      meta.map_bytes > map_bytes_max || meta.map_bytes < (meta.last_page + 1) * page_bytes) {
    fail_meta(paths, "its sizes do not fit each other");
  }
}

// LMDB takes the one of the two meta pages with the higher transaction, which each commit writes in
// turn. So the two must be neighbours, each in its place; only a file never written to has 0 twice.
Metas read_metas(int fd, const RepoPaths& paths) {
  Bytes head(page_header_bytes + meta_bytes, '\0');
  if (read_all_at(fd, head.data(), head.size(), 0, paths.data) != head.size()) {
    fail_meta(paths, "the file ends there");
  }
  const size_t page_bytes = load_at<MetaRecord>(head, page_header_bytes).trees[0].pad;
  if (page_bytes < 512 || page_bytes > 65536 || (page_bytes & (page_bytes - 1)) != 0) {
    fail_meta(paths, "its page size is wrong");
  }
  const MetaRecord metas[2] = {read_meta(fd, paths, 0, page_bytes),
                               read_meta(fd, paths, 1, page_bytes)};
  const uint64_t even = metas[0].transaction;
  const uint64_t odd = metas[1].transaction;
  const bool unwritten = even == 0 && odd == 0;
  const bool neighbours = even % 2 == 0 && odd % 2 == 1 && (even + 1 == odd || odd + 1 == even);
  if (!unwritten && !neighbours) fail_meta(paths, "its transaction numbers are wrong");
  for (const MetaRecord& meta : metas) check_meta(paths, meta, page_bytes);
  return {metas[odd > even ? 1 : 0], page_bytes};
}

// Gives up in the end: who makes a repo holds the lock already, by another descriptor.
bool lock_for_a_moment(int fd) {
  for (int i = 0; i < 50; ++i) {
    if (::flock(fd, LOCK_SH | LOCK_NB) == 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

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
  const UniqueFd lock(::open(paths.write_lock.c_str(), O_RDONLY | O_CLOEXEC));
  const bool still = lock && lock_for_a_moment(lock.get());
  try {
    check();
  } catch (...) {
    if (still) unlock_file(lock.get());
    throw;
  }
  if (still) unlock_file(lock.get());
}

}  // namespace

void check_pages(const RepoPaths& paths, bool may_write, bool everything) {
  const UniqueFd fd(::open(paths.data.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT) return;
    throw system_error("cannot open " + paths.data.string(), errno);
  }
  const uint64_t size = file_size(fd.get(), paths.data);
  if (size == 0) return;
  const std::filesystem::path mark = paths.root / "checked";
  const std::string boot = boot_id();
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

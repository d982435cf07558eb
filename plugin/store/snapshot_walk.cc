#include "plugin/store/snapshot_walk.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "plugin/base/file.h"
#include "plugin/store/damage_advice.h"
#include "plugin/store/lmdb_handles.h"
#include "plugin/store/lmdb_lock_file.h"
#include "plugin/store/lmdb_process_id.h"
#include "plugin/store/opening_lock.h"
#include "plugin/store/page_metas.h"

namespace aimlog {
namespace {

constexpr int tries = 3;
constexpr int map_tries = 10;

// A read transaction of LMDB's: as long as it lives, no page of its snapshot is used anew.
class Pin {
 public:
  explicit Pin(const RepoPaths& paths) : root_(paths.root) {
    // Without its lock file LMDB has no table of readers, and nobody else is there.
    if (::access((paths.root / "lock.mdb").c_str(), W_OK) != 0) return;
    for (int tries = 0; tries < process_id_tries && !open(paths); ++tries) close();
    for (int left = map_tries; env_ != nullptr && left > 0; --left) {
      const int code = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn_);
      if (code == 0) return;
      txn_ = nullptr;
      if (code != MDB_MAP_RESIZED || follow_map(env_) != 0) return;
    }
  }
  ~Pin() {
    if (txn_ != nullptr) mdb_txn_abort(txn_);
    close();
  }
  Pin(const Pin&) = delete;
  Pin& operator=(const Pin&) = delete;

  bool holds() const { return txn_ != nullptr; }
  uint64_t transaction() const { return mdb_txn_id(txn_); }

 private:
  bool open(const RepoPaths& paths) {
    const OpeningLock lock(paths.root);
    allocate_lock_file(paths.root / "lock.mdb", false);
    // As small as may be: no page is looked at through this map.
    return mdb_env_create(&env_) == 0 && mdb_env_set_mapsize(env_, 1) == 0 &&
           mdb_env_open(env_, paths.root.c_str(), MDB_RDONLY | MDB_NOTLS, 0664) == 0 &&
           claim_process_id(env_);
  }
  void close() {
    if (env_ != nullptr) close_beside_openers(env_, root_);
    env_ = nullptr;
  }

  const std::filesystem::path root_;
  MDB_env* env_ = nullptr;
  MDB_txn* txn_ = nullptr;
};

std::vector<Metas> sound_metas(int fd, const RepoPaths& paths) {
  std::vector<Metas> metas;
  for (const uint64_t page : {0, 1}) {
    if (const auto meta = read_one_meta(fd, paths, page)) metas.push_back(*meta);
  }
  std::sort(metas.begin(), metas.end(), [](const Metas& a, const Metas& b) {
    return a.newest.transaction > b.newest.transaction;
  });
  return metas;
}

// A writer may be in the middle of writing a meta page: then the next look is right.
void report_head(int fd, const RepoPaths& paths, PageVisitor& visitor) {
  for (int left = tries;; --left) {
    try {
      read_metas(fd, paths);
      return;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::corrupt) throw;
      if (left > 0) continue;
      visitor.damage({0, {}, {}, {}, without_damage_advice(error.what())});
      return;
    }
  }
}

void walk_pinned(int fd, const RepoPaths& paths, const Metas& metas, PageVisitor& visitor) {
  PageWalk walk(fd, paths.data, metas.newest, metas.page_bytes, file_size(fd, paths.data));
  walk.run(visitor);
}

}  // namespace

void walk_snapshot(const RepoPaths& paths, PageVisitor& visitor) {
  const UniqueFd fd = open_file(paths.data, O_RDONLY);
  report_head(fd.get(), paths, visitor);
  std::vector<Metas> metas = sound_metas(fd.get(), paths);
  if (metas.empty()) return;
  auto pin = std::make_unique<Pin>(paths);
  for (int left = tries; pin->holds() && left > 0; --left) {
    metas = sound_metas(fd.get(), paths);
    for (const Metas& each : metas) {
      if (each.newest.transaction == pin->transaction())
        return walk_pinned(fd.get(), paths, each, visitor);
    }
    // Two commits came since: the pages still stand, but which they are is not known any more. One
    // after the other, for with its end LMDB forgets all that this process reads.
    pin.reset();
    pin = std::make_unique<Pin>(paths);
  }
  if (metas.empty()) return;
  walk_pinned(fd.get(), paths, metas.front(), visitor);
  const std::vector<Metas> after = sound_metas(fd.get(), paths);
  if (!after.empty() && after.front().newest.transaction > metas.front().newest.transaction + 1) {
    throw Error(ErrorCode::busy, paths.data.string() +
                                     " was changed while it was looked at and could not be held "
                                     "still: try again when nothing writes");
  }
}

}  // namespace aimlog

#include "plugin/store/environment_state.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "plugin/base/clock.h"
#include "plugin/base/file.h"
#include "plugin/base/random.h"
#include "plugin/store/checked_value.h"
#include "plugin/store/damage_advice.h"
#include "plugin/store/keys.h"
#include "plugin/store/lmdb_lock_file.h"
#include "plugin/store/lmdb_process_id.h"
#include "plugin/store/opening_lock.h"
#include "plugin/store/page_check.h"
#include "plugin/store/page_metas.h"
#include "plugin/store/repo_files.h"
#include "plugin/store/row_codec.h"
#include "plugin/store/store_format.h"
#include "plugin/store/write_lock.h"

namespace aimlog {

std::atomic<size_t> initial_map_bytes = size_t{64} << 30;
std::atomic<std::chrono::milliseconds> write_lock_patience{std::chrono::seconds(10)};

namespace {

constexpr unsigned database_count_max = 32;  // some are kept for tables of later versions
constexpr mdb_mode_t file_mode = 0664;

void on_failed_assert(MDB_env* env, const char* message) {
  static_cast<Environment::State*>(mdb_env_get_userctx(env))->poison(message);
}

bool can_write_lock_file(const RepoPaths& paths) {
  const std::filesystem::path file = paths.root / "lock.mdb";
  if (::access(file.c_str(), W_OK) == 0) return true;
  return errno == ENOENT && ::access(paths.root.c_str(), W_OK) == 0;
}

// More than an empty repo takes.
constexpr uint64_t empty_data_bytes_max = 256 << 10;

// What a making that was cut short left behind. After a power cut that may be neither empty nor
// whole: it is put aside, for nothing was recorded into it, as that begins when FORMAT is there.
// And where a sync failed, no later one brings its pages to the disk: they are written anew.
void settle_unfinished_data(const RepoPaths& paths) {
  std::error_code missing;
  const uint64_t size = std::filesystem::file_size(paths.data, missing);
  if (missing || size == 0) return;
  try {
    check_pages(paths, false, true);
    if (size > empty_data_bytes_max) return;
    Bytes content(size, '\0');
    content.resize(
        read_all_at(open_file(paths.data, O_RDONLY).get(), content.data(), size, 0, paths.data));
    replace_file(paths.data, content);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt || size > empty_data_bytes_max) throw;
    rename_file(paths.data, paths.data.string() + ".unfinished");
  }
}

// Holds the write lock while a repo is made, so that two who make it do so one after the other, and
// while one is opened again. Who holds it may be stopped, so it is not waited for without end.
class CreationLock {
 public:
  explicit CreationLock(const RepoPaths& paths)
      : lock_(open_lock_file(paths.write_lock), LOCK_EX, write_lock_patience.load()) {
    if (lock_.error_number() != 0) {
      throw system_error("cannot lock " + paths.write_lock.string(), lock_.error_number());
    }
    if (!lock_.is_late()) return;
    throw Error(ErrorCode::busy,
                "another process has been writing to " + paths.root.string() +
                    " all the time: if it is stopped, let it go on or end it, then try again");
  }

 private:
  TimedLock lock_;
};

// Whoever closes LMDB's lock file drops the locks of all who have it open in this process.
void refuse_second_copy(const RepoPaths& paths) {
  if (descriptor_in_this_process(paths.root / "lock.mdb") < 0) return;
  throw Error(ErrorCode::busy,
              paths.data.string() +
                  " is already open in this process through another copy of this library; two "
                  "copies would break each other's locks: load the library from one path only");
}

}  // namespace

const char* table_name(Table table) {
  constexpr const char* names[table_count] = {
      "meta",   "names",   "shapes",      "experiments", "jobs",  "runs",     "attempts", "params",
      "series", "objects", "checkpoints", "chunks",      "tails", "journals", "losses"};
  return names[static_cast<unsigned>(table)];
}

Environment::State::State(RepoPaths repo_paths, OpenMode mode)
    : paths(std::move(repo_paths)), writable(mode != OpenMode::read_only), pid(::getpid()) {
  const bool create = mode == OpenMode::create;
  refuse_file_for_directory(paths);
  std::optional<uint32_t> format = read_format(paths);
  if (!format && !create) {
    throw Error(ErrorCode::not_found, "there is no repo in " + paths.directory.string() + " (no " +
                                          paths.format.string() + ")");
  }
  if (format) {
    refuse_network_disk(paths.root);
    refuse_lost_data(paths);
    // Copies by tools that leave out empty directories have none.
    if (create) {
      make_repo_directories(paths);
      refuse_unwritable(paths);
    }
    open_files(Opening::existing);
    return;
  }
  make_repo_directories(paths);
  refuse_network_disk(paths.root);
  sync_directory(paths.directory);  // who made the directory may have been killed before that
  const CreationLock lock(paths);
  format = read_format(paths);  // somebody may have been faster
  if (format) {
    refuse_lost_data(paths);
  } else {
    settle_unfinished_data(paths);
  }
  open_files(Opening::create);
  // FORMAT comes last: a repo whose making was cut short has none and is made to the end next time.
  try {
    if (!format) write_format(paths);
  } catch (...) {
    close_files();  // else no later try of this process could open it
    throw;
  }
}

Environment::State::~State() { close_for_good(); }

void Environment::State::close_for_good() noexcept {
  if (!abandoned && !leaked && pid == ::getpid()) {
    close_files();
  } else {
    // Closing would unmap what is not mapped here, or unlock what is still in use.
    write_lock.reset();
  }
}

void Environment::State::expect_usable() const {
  if (abandoned || pid != ::getpid()) {
    throw Error(ErrorCode::unsupported,
                paths.data.string() + " was opened before this process was forked");
  }
  if (poisoned) {
    throw Error(ErrorCode::corrupt,
                paths.data.string() + " is damaged (LMDB met what cannot be): " + damage_advice);
  }
}

void Environment::State::open_files(Opening opening) {
  check_pages(paths, writable, opening == Opening::after_failure);
  try {
    if (writable && !write_lock) write_lock = open_lock_file(paths.write_lock);
    if (writable && opening == Opening::after_failure) {
      const CreationLock lock(paths);
      make_metas_durable(paths);
    }
    lockless = !writable && !can_write_lock_file(paths);
    unsigned flags = MDB_NOTLS;
    if (!writable) flags |= MDB_RDONLY;
    if (lockless) flags |= MDB_NOLOCK;
    open_map(flags);
    guard_descriptor();
    int dead = 0;
    if (!lockless) mdb_reader_check(env, &dead);
    if (!open_tables()) {
      if (opening != Opening::create)
        throw lmdb_error(MDB_CORRUPTED, "tables are missing in " + paths.data.string());
      make_tables();
    }
    read_repo_id_and_guard_map();
  } catch (...) {
    close_map();
    throw;
  }
}

void Environment::State::close_map() {
  if (env == nullptr) return;
  lock_descriptor = -1;  // first, for a child that is forked meanwhile
  close_beside_openers(std::exchange(env, nullptr), paths.root);
}

void Environment::State::close_files() {
  close_map();
  write_lock.reset();
}

void Environment::State::make_writable() {
  if (writable) return;
  const std::lock_guard writes(writer);
  if (writable) return;  // another thread did it meanwhile
  while_idle([&] {
    close_files();
    writable = true;
    try {
      open_files(Opening::existing);
    } catch (...) {
      writable = false;  // whoever reads goes on
      write_lock.reset();
      open_files(Opening::existing);
      throw;
    }
  });
}

void Environment::State::open_map(unsigned flags) {
  const std::string what = "cannot open " + paths.data.string();
  // Of one repo only, and for all copies of this library: one that looked at the same time would
  // open it as well.
  const OpeningLock lock(paths.root);
  refuse_second_copy(paths);
  if (!lockless) allocate_lock_file(paths.root / "lock.mdb", writable);
  size_t bytes = initial_map_bytes;
  for (int tries = 1;; ++tries) {
    int code = mdb_env_create(&env);
    if (code != 0) throw lmdb_error(code, what);
    mdb_env_set_maxdbs(env, database_count_max);
    mdb_env_set_maxreaders(env, reader_count_max);
    mdb_env_set_mapsize(env, bytes);
    mdb_env_set_userctx(env, this);
    mdb_env_set_assert(env, on_failed_assert);
    code = mdb_env_open(env, paths.root.c_str(), flags, file_mode);
    if (code == 0 && !claim_process_id(env)) code = EAGAIN;
    if (code == 0) {
      lock_descriptor = descriptor_in_this_process(paths.root / "lock.mdb");
      return;
    }
    mdb_env_close(env);  // also after a failure
    env = nullptr;
    if ((code == ENOMEM || code == EINVAL) && bytes > smallest_map_bytes) {  // EINVAL: valgrind
      bytes /= 2;
    } else if (code != EAGAIN || tries >= process_id_tries) {
      throw lmdb_error(code, what);
    }
  }
}

void Environment::State::guard_descriptor() {
  // LMDB 0.9.24 leaves its data descriptor open for programs that the host starts.
  int data = -1;
  struct stat info;
  if (mdb_env_get_fd(env, &data) != 0 || ::fstat(data, &info) != 0) return;
  ::fcntl(data, F_SETFD, FD_CLOEXEC);
  if (inode != 0 && (inode != info.st_ino || device != info.st_dev)) {
    throw Error(
        ErrorCode::io,
        paths.data.string() + " was replaced by another file while it was in use: start again");
  }
  if (inode != 0) return;  // other threads read them
  device = info.st_dev;
  inode = info.st_ino;
}

int Environment::State::begin_alone(MDB_txn** txn) {
  int code = mdb_txn_begin(env, nullptr, MDB_RDONLY, txn);
  for (int left = resize_tries; code == MDB_MAP_RESIZED && left > 0; --left) {
    code = follow_map(env);
    if (code == 0) code = mdb_txn_begin(env, nullptr, MDB_RDONLY, txn);
  }
  return code;
}

bool Environment::State::open_tables() {
  MDB_txn* txn = nullptr;
  int code = begin_alone(&txn);
  if (code != 0) throw lmdb_error(code, "cannot open " + paths.data.string());
  for (unsigned i = 0; code == 0 && i < table_count; ++i) {
    code = mdb_dbi_open(txn, table_name(static_cast<Table>(i)), 0, &tables[i]);
  }
  if (code != 0) {
    mdb_txn_abort(txn);
    if (code == MDB_NOTFOUND) return false;
    throw lmdb_error(code, "cannot open " + paths.data.string());
  }
  // Handles outlive a transaction only if it is committed, also one that reads.
  code = mdb_txn_commit(txn);
  if (code != 0) throw lmdb_error(code, "cannot open " + paths.data.string());
  return true;
}

void Environment::State::make_tables() {
  MDB_txn* txn = nullptr;
  int code = mdb_txn_begin(env, nullptr, 0, &txn);
  for (unsigned i = 0; code == 0 && i < table_count; ++i) {
    code = mdb_dbi_open(txn, table_name(static_cast<Table>(i)), MDB_CREATE, &tables[i]);
  }
  const auto put_meta = [&](MetaKind kind, ByteView payload) {
    const Key key(kind);
    const Bytes value = with_checksum(Table::meta, key, payload);
    MDB_val k = to_val(key);
    MDB_val v = to_val(value);
    if (code == 0) code = mdb_put(txn, tables[0], &k, &v, 0);
  };
  if (code == 0) {
    const auto id = random_128();
    Bytes row(1, static_cast<char>(row_version));
    row.append(reinterpret_cast<const char*>(id.data()), id.size());
    put_meta(MetaKind::repo_id, row);
    put_meta(MetaKind::row_counts, encode_row_counts({mdb_txn_id(txn), {}}));
  }
  if (code == 0) {
    code = mdb_txn_commit(txn);
  } else if (txn != nullptr) {
    mdb_txn_abort(txn);
  }
  if (code != 0) throw lmdb_error(code, "cannot make " + paths.data.string());
}

void Environment::State::read_repo_id_and_guard_map() {
  MDB_txn* txn = nullptr;
  int code = begin_alone(&txn);
  if (code != 0) throw lmdb_error(code, "cannot read " + paths.data.string());
  const std::unique_ptr<MDB_txn, decltype(&mdb_txn_abort)> ends(txn, mdb_txn_abort);
  const Key key(MetaKind::repo_id);
  MDB_val k = to_val(key);
  MDB_val v;
  code = mdb_get(txn, tables[0], &k, &v);
  if (code != 0) throw lmdb_error(code == MDB_NOTFOUND ? MDB_CORRUPTED : code, paths.data.string());
  const ByteView row = verified(Table::meta, key, to_view(v), paths.data);
  const ByteView id = without_version(row, row_version, "repo id");
  if (id.size() < repo_id.size()) throw lmdb_error(MDB_CORRUPTED, paths.data.string());
  std::memcpy(repo_id.data(), id.data(), repo_id.size());
  keep_from_children(v.mv_data);
}

void Environment::State::resize_map(size_t bytes) {
  while_idle([&] {
    expect_open();
    MDB_envinfo info;
    mdb_env_info(env, &info);
    if (bytes != 0 && info.me_mapsize >= bytes) return;  // another thread did it meanwhile
    const int code = bytes == 0 ? follow_map(env) : mdb_env_set_mapsize(env, bytes);
    if (code != 0) {
      // The old map is gone: another one is made, as large as it can be.
      close_map();
      open_files(Opening::existing);
      throw lmdb_error(code, "cannot enlarge the map of " + paths.data.string());
    }
    read_repo_id_and_guard_map();  // the map is another one now
  });
}

void Environment::State::forget_dead_readers() {
  constexpr int64_t interval_ns = INT64_C(60'000'000'000);
  const int64_t now = monotonic_ns();
  if (now - dead_readers_forgotten_ns < interval_ns) return;
  dead_readers_forgotten_ns = now;
  int dead = 0;
  mdb_reader_check(env, &dead);
}

void Environment::State::enter() {
  std::unique_lock lock(gate);
  // Else readers that follow each other closely would keep the map from growing for ever.
  idle.wait(lock, [this] { return waiting == 0; });
  expect_open();
  ++live;
}

void Environment::State::expect_open() const {
  if (env != nullptr) return;
  throw Error(ErrorCode::io, paths.data.string() + " could not be opened again");
}

void Environment::State::leave() {
  const std::lock_guard lock(gate);
  if (--live == 0) idle.notify_all();
}

void Environment::State::poison(const char* message) {
  poisoned = true;
  throw Error(ErrorCode::corrupt,
              paths.data.string() + " is damaged (" + message + "): " + damage_advice);
}

}  // namespace aimlog

// What is behind Environment and Transaction. Only files of this folder include this.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>

#include "plugin/base/lock_fd.h"
#include "plugin/store/checked_value.h"
#include "plugin/store/environment.h"
#include "plugin/store/lmdb_handles.h"

namespace aimlog {

// How much address space is reserved for a repo's map at first; a test makes it small.
extern std::atomic<size_t> initial_map_bytes;
// How long opening and making a repo wait for its write lock; a test makes it short.
extern std::atomic<std::chrono::milliseconds> write_lock_patience;
// How often somebody who begins looks again after other processes have grown the map meanwhile.
inline constexpr int resize_tries = 10;

const char* table_name(Table table);

struct Environment::State {
  State(RepoPaths repo_paths, OpenMode mode);
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // Throws unless transactions may begin: not in a forked child, not after a failed assert.
  void expect_usable() const;
  // Opens files and map. On failure there is no map.
  enum class Opening { existing, create, after_failure };
  void open_files(Opening opening);
  // Under `writer`: a thread that waits for the write lock, or has it, has it by the descriptor
  // that is closed here, and would write without.
  void close_files();
  // The same at the end, where that can be done: else what must not stay open is closed.
  void close_for_good() noexcept;
  // For one that was opened to read. No transaction of this thread may be live.
  void make_writable();
  // Waits until no transaction is live, then runs `action` while none can begin. Throws Error(busy)
  // if one stays live too long.
  template <typename Action>
  void while_idle(const Action& action);
  // Grows the map at least to `bytes`; 0 = to what another process has grown the file to.
  void resize_map(size_t bytes);
  // For reading, while no other transaction of this process is live: follows where another process
  // has grown the map since it was opened. Returns LMDB's code.
  int begin_alone(MDB_txn** txn);
  // A transaction that begins counts as live, so that the map is not moved under it.
  void enter();
  void leave();
  // Of those who write, once a minute: a reader that was killed keeps the pages of its snapshot
  // from being used again, and the file grows. Under `writer`, after enter().
  void forget_dead_readers();
  // Called where an assert of LMDB failed: it must not return there, for LMDB aborts then.
  [[noreturn]] void poison(const char* message);

  RepoPaths paths;
  std::atomic<bool> writable;
  bool lockless = false;  // on read-only media LMDB's lock file cannot be used
  pid_t pid;
  std::array<unsigned char, 16> repo_id{};
  dev_t device = 0;  // of data.mdb: what makes two paths the same repo
  ino_t inode = 0;

  MDB_env* env = nullptr;
  int lock_descriptor = -1;  // LMDB's own, of lock.mdb; none where that is not used
  std::array<MDB_dbi, table_count> tables{};
  LockFd write_lock;

  int64_t dead_readers_forgotten_ns = 0;  // under `writer`
  std::timed_mutex writer;                // flock does not tell threads of one process apart
  std::mutex gate;
  std::condition_variable idle;
  unsigned live = 0;
  unsigned waiting = 0;  // in while_idle(): nobody begins before them
  std::atomic<bool> abandoned = false;
  bool registered = false;  // from when the process's registry knows of it
  std::atomic<bool> poisoned = false;
  // A write transaction that an assert cut off cannot be ended: LMDB's lists may point into stack
  // frames that are gone. It is leaked with the environment; LMDB's robust mutex is freed when the
  // thread that held it ends.
  std::atomic<bool> leaked = false;

 private:
  void open_map(unsigned flags);
  void close_map();
  void expect_open() const;  // throws where it could not be opened again
  void guard_descriptor();
  bool open_tables();  // false if one is missing
  void make_tables();
  void read_repo_id_and_guard_map();
};

template <typename Action>
void Environment::State::while_idle(const Action& action) {
  std::unique_lock lock(gate);
  ++waiting;
  const bool is_idle = idle.wait_for(lock, std::chrono::seconds(10), [this] { return live == 0; });
  --waiting;
  idle.notify_all();
  if (!is_idle) {
    throw Error(ErrorCode::busy, paths.data.string() + " is in use by a long transaction");
  }
  action();
}

struct Transaction::State {
  State(Environment::State& environment, bool write, Patience patience = {});
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void begin();
  void lock_out_other_writers();
  // False where it has to be begun anew; on the last try throws instead.
  bool check_row_counts(bool last_try);
  void write_row_counts();
  // Ends the transaction and gives back locks; safe to call again. Returns LMDB's code.
  int finish(bool commit);
  // Nobody sees a reader without a place in LMDB's table: pages that it reads may be written anew
  // once there were two commits.
  void expect_one_commit() const;
  // What `look` returns. Error(busy) where that may be of several commits, or look like damage.
  template <typename Look>
  auto seen(const Look& look) const;
  void release();
  // Throws for what LMDB answered; after MAP_FULL the map is grown first.
  void expect(int code, const char* what);

  Environment::State& env;
  const bool write;
  const Patience patience;
  MDB_txn* txn = nullptr;
  bool entered = false;
  size_t map_bytes = 0;  // of one that writes; asked at its begin, while nobody can move the map
  std::unique_lock<std::timed_mutex> writer;
  RowCounts counts;  // of the commit that this one stands on, with what was put and erased since
};

}  // namespace aimlog

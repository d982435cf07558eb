// The LMDB environment of a repo and its transactions. LMDB itself is seen only behind this header.
//
// Caveats that shape it: the same environment may be open only once in a process (one copy closing
// it drops the other's locks), not after fork, not on network disks; a long-lived read transaction
// makes the file grow; LMDB trusts its file, so metas, sizes and, after a crash, all pages are
// checked before it sees them.
#pragma once

#include <array>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "plugin/base/bytes.h"

namespace aimlog {

// Where things are below the directory that the user named.
struct RepoPaths {
  explicit RepoPaths(const std::filesystem::path& directory);
  std::filesystem::path directory;   // the user's
  std::filesystem::path root;        // <directory>/.aimlog
  std::filesystem::path format;      // FORMAT: repo format version, readable by people
  std::filesystem::path data;        // data.mdb
  std::filesystem::path write_lock;  // write.lock: flock around every write transaction
  std::filesystem::path journals;    // journals/
};

enum class OpenMode {
  create,      // make the repo where there is none
  read_write,  // must exist; leave to write is needed
  read_only,  // must exist; nothing is written but LMDB's reader table (nothing at all on read-only
              // media)
};

// Stored on disk: never renumber. The named databases.
enum class Table : unsigned {
  meta,
  names,
  shapes,
  experiments,
  jobs,
  runs,
  attempts,
  params,
  series,
  objects,
  checkpoints,
  chunks,
  tails,
  journals,
  losses,
};
inline constexpr unsigned table_count = 15;

class Environment {
 public:
  // One per process and path: a second call gives the same one. Throws Error: not_found, too_new,
  // corrupt, unsupported (network file system), busy (another copy of the library in this process
  // has it open), io, no_space.
  static std::shared_ptr<Environment> open(const std::filesystem::path& directory, OpenMode mode);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  const RepoPaths& paths() const;
  const std::array<unsigned char, 16>& repo_id() const;
  bool writable() const;
  // False where the repo was removed since it was opened, or another one stands in its place.
  bool is_still_there() const;
  // Closes and opens again, after a failed sync or MDB_PANIC. No transaction may be live.
  void reopen();
  // In a forked child: makes every later call throw; closes what would keep locks alive.
  void abandon_in_child() noexcept;

  struct State;
  State& state() { return *state_; }

 private:
  explicit Environment(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// A snapshot. Keep it short: never over output, never over a wait. Views are valid until the
// transaction ends or writes.
class Transaction {
 public:
  explicit Transaction(Environment& environment);  // read
  virtual ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // The value of `key` without its checksum, which is verified: Error(corrupt) names table and key.
  std::optional<ByteView> get(Table table, ByteView key) const;
  // Calls `visit` for every key that begins with `prefix`, from `from` on (empty = the first), in
  // order, until it returns false.
  void scan(Table table, ByteView prefix, ByteView from,
            const std::function<bool(ByteView key, ByteView value)>& visit) const;
  // The last key that begins with `prefix`, and its value.
  std::optional<std::pair<Bytes, Bytes>> last(Table table, ByteView prefix) const;
  uint64_t count(Table table) const;  // rows
  // The number of the commit it stands on, anybody's newest when it began. Each commit has one
  // more, so who keeps a copy of rows sees whether others wrote.
  uint64_t newest_commit() const;
  // Of a reader that its writers cannot see (it may not write lock.mdb): throws Error(busy) where
  // views that it was given may have been overwritten by now.
  void expect_one_commit() const;

  struct State;

 protected:
  explicit Transaction(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// How long the repo's write lock is waited for; none = for as long as it takes.
using Patience = std::optional<std::chrono::milliseconds>;

// Aborts unless committed. Held under the repo's write lock. MAP_FULL is thrown as Error(busy)
// after the map was grown: the caller starts again (see with_write_transaction). Throws Error(io)
// if somebody else writes for longer than `patience`.
class WriteTransaction : public Transaction {
 public:
  explicit WriteTransaction(Environment& environment, Patience patience = {});
  ~WriteTransaction() override;

  void put(Table table, ByteView key, ByteView value);
  bool erase(Table table, ByteView key);
  void commit();  // durable when it returns
};

// Runs `work` in a write transaction and commits; starts again when the map had to grow. `work`
// must be repeatable.
void with_write_transaction(Environment& environment, Patience patience,
                            const std::function<void(WriteTransaction&)>& work);
inline void with_write_transaction(Environment& environment,
                                   const std::function<void(WriteTransaction&)>& work) {
  with_write_transaction(environment, Patience(), work);
}

}  // namespace aimlog

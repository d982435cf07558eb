// The RocksDB databases that an Aim repo is made of, one directory each. RocksDB itself is seen
// only behind this header. Any thread; one object by one thread at a time.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/aim/tree_codec.h"
#include "plugin/base/bytes.h"

namespace aimlog::aim {

// Builds a new database from sorted runs of keys: a key that is not above the one before begins a
// new table, whose values win over earlier ones. Nobody may look at it before finish() returns;
// what it leaves behind without finish() is no database.
class DatabaseBuilder {
 public:
  // The directory must not exist. Its files have numbers above `numbers_above`: whoever has begun
  // to open the database that this one takes the place of finds a file missing. Aim's readers look
  // neither at sizes nor at what is inside, and would take a file of the same name for theirs.
  explicit DatabaseBuilder(const std::filesystem::path& directory, uint64_t numbers_above = 0);
  ~DatabaseBuilder();
  DatabaseBuilder(const DatabaseBuilder&) = delete;
  DatabaseBuilder& operator=(const DatabaseBuilder&) = delete;

  void put(ByteView key, ByteView value);
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

void build_database(const std::filesystem::path& directory, const Tree& tree,
                    uint64_t numbers_above = 0);

// A look at a database that others may be writing: nothing in its directory is changed.
class DatabaseReader {
 public:
  // ignored: as if no range of keys had ever been deleted, and faster.
  enum class DeletedRanges { obeyed, ignored };

  // Throws Error(not_found) where there is none, Error(corrupt) where it is damaged, others where
  // it cannot be read for a reason that may pass.
  explicit DatabaseReader(const std::filesystem::path& directory,
                          DeletedRanges ranges = DeletedRanges::obeyed);
  ~DatabaseReader();
  DatabaseReader(const DatabaseReader&) = delete;
  DatabaseReader& operator=(const DatabaseReader&) = delete;

  // Every key that begins with `prefix`, in order, until `visit` returns false. Throws
  // Error(corrupt) where the database ends in damage, others as above.
  using Visit = std::function<bool(ByteView key, ByteView value)>;
  void scan(ByteView prefix, const Visit& visit) const;
  // Every key from `from` on, whatever it begins with.
  void scan_from(ByteView from, const Visit& visit) const;
  Tree read_all() const;
  // The files that it needs, by name.
  std::vector<std::string> files() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The highest number that a file of the database has; 0 where there is none.
uint64_t highest_file_number(const std::filesystem::path& directory);

// A database of a live run, open for writing as Aim's own writer has it: what is committed can be
// read by others at once, and stays if we die.
class DatabaseWriter {
 public:
  // Throws Error(busy) while another process has it open.
  explicit DatabaseWriter(const std::filesystem::path& directory);
  ~DatabaseWriter();
  DatabaseWriter(const DatabaseWriter&) = delete;
  DatabaseWriter& operator=(const DatabaseWriter&) = delete;

  void put(ByteView key, ByteView value);
  void erase(ByteView key);
  void commit();  // all since the last one, in one step
  void close();   // moves what is in the log into tables, so that readers find no log

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Whether some other process has the database open for writing. Never of one that this process has
// open: looking would give up the lock on it. Throws Error(io) where that cannot be told just now.
bool is_database_in_use(const std::filesystem::path& directory);

}  // namespace aimlog::aim

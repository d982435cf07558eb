// SQLite with owners, and its errors as ours. The library itself is seen only behind this header.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace aimlog::aim {

class Sqlite {
 public:
  enum class Mode { create, read_write, read_only };
  Sqlite(const std::filesystem::path& path, Mode mode);  // waits up to 30 s for others' locks
  void run(const char* sql);                             // one or more statements without results
  int64_t last_id() const;
  sqlite3* handle() const { return database_.get(); }
  [[noreturn]] void fail(const char* what) const;

 private:
  struct Closer {
    void operator()(sqlite3* database) const;
  };
  std::filesystem::path path_;
  std::unique_ptr<sqlite3, Closer> database_;
};

// One statement: bind in order, step through the rows.
class Query {
 public:
  Query(Sqlite& database, const char* sql);
  Query& bind(std::string_view text);
  Query& bind(int64_t number);
  Query& bind_null();
  bool step();  // false at the end
  void run();   // steps to the end and makes it ready to be bound again
  std::string text(int column) const;
  int64_t integer(int column) const;
  bool is_null(int column) const;

 private:
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const;
  };
  Sqlite& database_;
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
  int bound_ = 0;
};

// Rolls back unless committed.
class SqliteTransaction {
 public:
  enum class Lock { others_read, exclusive };  // what others can do until the end
  explicit SqliteTransaction(Sqlite& database, Lock lock = Lock::others_read)
      : database_(database) {
    database_.run(lock == Lock::exclusive ? "BEGIN EXCLUSIVE" : "BEGIN IMMEDIATE");
  }
  ~SqliteTransaction();
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;
  void commit() {
    database_.run("COMMIT");
    is_open_ = false;
  }

 private:
  Sqlite& database_;
  bool is_open_ = true;
};

}  // namespace aimlog::aim

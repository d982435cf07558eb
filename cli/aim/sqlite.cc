#include "cli/aim/sqlite.h"

#include <sqlite3.h>

#include "plugin/base/error.h"

namespace aimlog::aim {

void Sqlite::Closer::operator()(sqlite3* database) const { sqlite3_close(database); }
void Query::Finalizer::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Sqlite::Sqlite(const std::filesystem::path& path, Mode mode) : path_(path) {
  int flags = SQLITE_OPEN_READONLY;
  if (mode == Mode::read_write) flags = SQLITE_OPEN_READWRITE;
  if (mode == Mode::create) flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  database_.reset(raw);
  if (code != SQLITE_OK) fail("it cannot be opened");
  sqlite3_busy_timeout(raw, 30'000);
}

void Sqlite::fail(const char* what) const {
  const int code = database_ ? sqlite3_errcode(database_.get()) : SQLITE_NOMEM;
  ErrorCode kind = ErrorCode::io;
  if (code == SQLITE_FULL) kind = ErrorCode::no_space;
  if (code == SQLITE_BUSY) kind = ErrorCode::busy;
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) kind = ErrorCode::corrupt;
  throw Error(kind, "'" + path_.string() + "': " + what + ": " +
                        (database_ ? sqlite3_errmsg(database_.get()) : "no memory"));
}

void Sqlite::run(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    fail("a statement failed");
}

int64_t Sqlite::last_id() const { return sqlite3_last_insert_rowid(database_.get()); }

Query::Query(Sqlite& database, const char* sql) : database_(database) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v2(database.handle(), sql, -1, &raw, nullptr);
  statement_.reset(raw);
  if (code != SQLITE_OK) database.fail("a statement cannot be prepared");
}

Query& Query::bind(std::string_view text) {
  sqlite3_bind_text(statement_.get(), ++bound_, text.data(), static_cast<int>(text.size()),
                    SQLITE_TRANSIENT);
  return *this;
}

Query& Query::bind(int64_t number) {
  sqlite3_bind_int64(statement_.get(), ++bound_, number);
  return *this;
}

Query& Query::bind_null() {
  sqlite3_bind_null(statement_.get(), ++bound_);
  return *this;
}

bool Query::step() {
  const int code = sqlite3_step(statement_.get());
  if (code != SQLITE_ROW && code != SQLITE_DONE) database_.fail("a statement failed");
  return code == SQLITE_ROW;
}

void Query::run() {
  while (step()) continue;
  sqlite3_reset(statement_.get());
  bound_ = 0;
}

std::string Query::text(int column) const {
  const unsigned char* text = sqlite3_column_text(statement_.get(), column);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text),
          static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

int64_t Query::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

bool Query::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

SqliteTransaction::~SqliteTransaction() {
  if (is_open_) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

}  // namespace aimlog::aim

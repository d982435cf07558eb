#include <algorithm>
#include <memory>
#include <utility>

#include "plugin/store/checked_value.h"
#include "plugin/store/damage_advice.h"
#include "plugin/store/environment.h"
#include "plugin/store/environment_state.h"
#include "plugin/store/keys.h"
#include "plugin/store/store_format.h"
#include "plugin/store/timed_lock.h"
#include "plugin/store/write_lock.h"

namespace aimlog {
namespace {

// Not closed where an assert failed meanwhile: LMDB's lists are not to be trusted then.
class Cursor {
 public:
  Cursor(Transaction::State& state, Table table) : state_(state), table_(table) {
    state.expect(
        mdb_cursor_open(state.txn, state.env.tables[static_cast<unsigned>(table)], &cursor_),
        "cannot read");
  }
  ~Cursor() {
    if (!state_.env.poisoned) mdb_cursor_close(cursor_);
  }
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;

  // False where there is nothing.
  bool move(MDB_cursor_op op) {
    const int code = mdb_cursor_get(cursor_, &key_, &value_, op);
    if (code == MDB_NOTFOUND) return false;
    state_.expect(code, "cannot read");
    return true;
  }
  bool seek(ByteView key) {
    key_ = to_val(key);
    return move(MDB_SET_RANGE);
  }
  // To the last row before `key`.
  bool seek_before(ByteView key) { return move(seek(key) ? MDB_PREV : MDB_LAST); }
  ByteView key() const { return to_view(key_); }
  ByteView payload() const {
    return verified(table_, key(), to_view(value_), state_.env.paths.data);
  }

 private:
  Transaction::State& state_;
  Table table_;
  MDB_cursor* cursor_ = nullptr;
  MDB_val key_{};
  MDB_val value_{};
};

// How often a reader begins anew that came in between two commits.
constexpr int begin_tries = 10;

// A row whose key is damaged is not found, and that must not pass for there being none. Such a row
// stands where it always did: right before or behind the place where it is looked for, or the order
// of the keys does not hold. So both are verified.
void expect_no_lost_row(Transaction::State& state, Table table, ByteView place) {
  Cursor cursor(state, table);
  if (cursor.seek(place)) cursor.payload();
  if (cursor.seek_before(place)) cursor.payload();
}

// A new row beside one that is damaged would part that one from the place where it is looked for.
void expect_intact_beside(Transaction::State& state, Table table, ByteView key) {
  Cursor cursor(state, table);
  if (cursor.seek_before(key)) cursor.payload();
  if (cursor.seek(key) && cursor.move(MDB_NEXT)) cursor.payload();
}

// The first key behind all that begin with `prefix`; empty if there can be none.
Bytes behind(ByteView prefix) {
  Bytes next(prefix);
  while (!next.empty() && static_cast<unsigned char>(next.back()) == 0xff) next.pop_back();
  if (!next.empty()) next.back() = static_cast<char>(next.back() + 1);
  return next;
}

}  // namespace

void Transaction::State::expect_one_commit() const {
  if (!env.lockless || txn == nullptr) return;
  MDB_envinfo info;
  mdb_env_info(env.env, &info);
  if (info.me_last_txnid < mdb_txn_id(txn) + 2) return;
  env.poisoned = false;  // what an assert met is no damage
  throw Error(ErrorCode::busy, env.paths.data.string() +
                                   " was written while it was read, unseen by its writers for "
                                   "want of leave to write lock.mdb beside it: try again, or get "
                                   "that leave");
}

template <typename Look>
auto Transaction::State::seen(const Look& look) const {
  try {
    const auto found = look();
    expect_one_commit();
    return found;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::corrupt) expect_one_commit();
    throw;
  }
}

Transaction::State::State(Environment::State& environment, bool writes, Patience how_long)
    : env(environment), write(writes), patience(how_long) {
  env.expect_usable();
  if (write && !env.writable) {
    throw Error(ErrorCode::invalid_argument, env.paths.data.string() + " is open for reading only");
  }
  try {
    begin();
    // LMDB notes which commit a reader begins at and then copies where that commit's trees are. Two
    // commits in between, and these are the trees of the later one. Nothing is wrong with them, but
    // the numbers differ, as they do in a file that lost a commit: there they always will.
    for (int left = write ? 0 : begin_tries; !seen([&] { return check_row_counts(left == 0); });
         --left) {
      finish(false);
      begin();
    }
  } catch (...) {
    finish(false);
    throw;
  }
}

Transaction::State::~State() { finish(false); }

void Transaction::State::lock_out_other_writers() {
  if (!patience) {
    writer = std::unique_lock(env.writer);
    lock_file(env.write_lock.get(), LOCK_EX, env.paths.write_lock);
    return;
  }
  writer = std::unique_lock(env.writer, *patience);
  const int result =
      writer.owns_lock() ? lock_within(env.write_lock.get(), LOCK_EX, *patience) : EWOULDBLOCK;
  if (result == 0) return;
  const std::string file = env.paths.write_lock.string();
  if (result != EWOULDBLOCK) throw system_error("cannot lock " + file, result);
  throw Error(ErrorCode::io,
              "another process has been writing to the repo, or was stopped while it did, for " +
                  std::to_string(patience->count() / 1000) + " s (" + file + " is locked)");
}

void Transaction::State::begin() {
  if (write) lock_out_other_writers();
  for (int tries = 0;; ++tries) {
    env.enter();
    entered = true;
    if (write) env.forget_dead_readers();
    const int code = mdb_txn_begin(env.env, nullptr, write ? 0u : unsigned{MDB_RDONLY}, &txn);
    if (code == 0) {
      MDB_envinfo info;
      if (write && mdb_env_info(env.env, &info) == 0) map_bytes = info.me_mapsize;
      return;
    }
    txn = nullptr;
    int dead = 0;
    if (code == MDB_READERS_FULL) mdb_reader_check(env.env, &dead);
    env.leave();
    entered = false;
    if (tries < resize_tries && code == MDB_MAP_RESIZED) {
      env.resize_map(0);
    } else if (tries >= resize_tries || code != MDB_READERS_FULL) {
      throw lmdb_error(code, "cannot begin a transaction in " + env.paths.data.string());
    }
  }
}

bool Transaction::State::check_row_counts(bool last_try) {
  const Key key(MetaKind::row_counts);
  MDB_val k = to_val(key);
  MDB_val v;
  const int code = mdb_get(txn, env.tables[0], &k, &v);
  expect(code == MDB_NOTFOUND ? MDB_CORRUPTED : code, "cannot read the row counts");
  counts = decode_row_counts(verified(Table::meta, key, to_view(v), env.paths.data));
  // A compacted copy begins to count transactions anew.
  const uint64_t committed = mdb_txn_id(txn) - (write ? 1 : 0);
  if (counts.transaction != committed && committed != 1) {
    if (!last_try) return false;
    throw Error(ErrorCode::corrupt,
                env.paths.data.string() + " went back in time: " + damage_advice);
  }
  for (unsigned i = 1; i < table_count; ++i) {
    MDB_stat stat;
    expect(mdb_stat(txn, env.tables[i], &stat), "cannot read");
    if (stat.ms_entries == counts.rows[i]) continue;
    throw Error(ErrorCode::corrupt, "table " + std::string(table_name(static_cast<Table>(i))) +
                                        " of " + env.paths.data.string() + " has " +
                                        std::to_string(stat.ms_entries) + " rows and should have " +
                                        std::to_string(counts.rows[i]) + ": " + damage_advice);
  }
  return true;
}

void Transaction::State::write_row_counts() {
  const Key key(MetaKind::row_counts);
  const Bytes value =
      with_checksum(Table::meta, key, encode_row_counts({mdb_txn_id(txn), counts.rows}));
  MDB_val k = to_val(key);
  MDB_val v = to_val(value);
  expect(mdb_put(txn, env.tables[0], &k, &v, 0), "cannot write");
}

int Transaction::State::finish(bool commit) {
  int code = 0;
  MDB_txn* ended = std::exchange(txn, nullptr);
  try {
    if (ended != nullptr && write && env.poisoned) {
      env.leaked = true;
      if (commit) code = MDB_CORRUPTED;  // nothing was committed
    } else if (ended != nullptr && commit) {
      code = mdb_txn_commit(ended);
    } else if (ended != nullptr) {
      mdb_txn_abort(ended);
    }
  } catch (...) {
    env.leaked = true;
    release();
    throw;
  }
  release();
  return code;
}

void Transaction::State::release() {
  if (std::exchange(entered, false)) env.leave();
  if (writer.owns_lock()) {
    unlock_file(env.write_lock.get());
    writer.unlock();
  }
}

void Transaction::State::expect(int code, const char* what) {
  if (code == 0) return;
  if (code != MDB_MAP_FULL) {
    throw lmdb_error(code, std::string(what) + " in " + env.paths.data.string());
  }
  finish(false);
  env.resize_map(map_bytes * 2);
  throw MapGrown(ErrorCode::busy, env.paths.data.string() + " needed a larger map: try again");
}

Transaction::Transaction(Environment& environment)
    : state_(std::make_unique<State>(environment.state(), false)) {}
Transaction::Transaction(std::unique_ptr<State> state) : state_(std::move(state)) {}
Transaction::~Transaction() = default;

std::optional<ByteView> Transaction::get(Table table, ByteView key) const {
  AIMLOG_CHECK(state_->txn != nullptr);
  return state_->seen([&]() -> std::optional<ByteView> {
    MDB_val k = to_val(key);
    MDB_val v;
    const int code = mdb_get(state_->txn, state_->env.tables[static_cast<unsigned>(table)], &k, &v);
    if (code == MDB_NOTFOUND) {
      expect_no_lost_row(*state_, table, key);
      return std::nullopt;
    }
    state_->expect(code, "cannot read");
    return verified(table, key, to_view(v), state_->env.paths.data);
  });
}

void Transaction::scan(Table table, ByteView prefix, ByteView from,
                       const std::function<bool(ByteView key, ByteView value)>& visit) const {
  AIMLOG_CHECK(state_->txn != nullptr);
  const ByteView start = std::max(prefix, from);
  state_->seen([&] {
    Cursor cursor(*state_, table);
    // As in expect_no_lost_row(): here the row before, and in the end the one behind the last.
    if (!start.empty() && cursor.seek_before(start)) cursor.payload();
    bool more = start.empty() ? cursor.move(MDB_FIRST) : cursor.seek(start);
    for (; more && cursor.key().starts_with(prefix); more = cursor.move(MDB_NEXT)) {
      state_->expect_one_commit();
      if (!visit(cursor.key(), cursor.payload())) return false;
    }
    if (more) cursor.payload();
    return true;
  });
}

std::optional<std::pair<Bytes, Bytes>> Transaction::last(Table table, ByteView prefix) const {
  AIMLOG_CHECK(state_->txn != nullptr);
  const Bytes next = behind(prefix);
  return state_->seen([&]() -> std::optional<std::pair<Bytes, Bytes>> {
    Cursor cursor(*state_, table);
    if (!next.empty() && cursor.seek(next)) cursor.payload();  // as in expect_no_lost_row()
    if (!(next.empty() ? cursor.move(MDB_LAST) : cursor.seek_before(next))) return std::nullopt;
    const ByteView payload = cursor.payload();
    if (!cursor.key().starts_with(prefix)) return std::nullopt;
    return std::pair(Bytes(cursor.key()), Bytes(payload));
  });
}

uint64_t Transaction::count(Table table) const {
  AIMLOG_CHECK(state_->txn != nullptr);
  MDB_stat stat;
  state_->expect(mdb_stat(state_->txn, state_->env.tables[static_cast<unsigned>(table)], &stat),
                 "cannot read");
  return stat.ms_entries;
}

void Transaction::expect_one_commit() const { state_->expect_one_commit(); }

uint64_t Transaction::newest_commit() const { return state_->counts.transaction; }

WriteTransaction::WriteTransaction(Environment& environment, Patience patience)
    : Transaction(std::make_unique<State>(environment.state(), true, patience)) {}
WriteTransaction::~WriteTransaction() = default;

void WriteTransaction::put(Table table, ByteView key, ByteView value) {
  AIMLOG_CHECK(state_->txn != nullptr && !key.empty());
  const auto index = static_cast<unsigned>(table);
  const Bytes stored = with_checksum(table, key, value);
  MDB_val k = to_val(key);
  MDB_val v = to_val(stored);
  int code = mdb_put(state_->txn, state_->env.tables[index], &k, &v, MDB_NOOVERWRITE);
  if (code == 0) {
    ++state_->counts.rows[index];
    expect_intact_beside(*state_, table, key);
  } else if (code == MDB_KEYEXIST) {
    // What is there may belong under another key, where it would then be lost.
    verified(table, key, to_view(v), state_->env.paths.data);
    v = to_val(stored);
    code = mdb_put(state_->txn, state_->env.tables[index], &k, &v, 0);
  }
  state_->expect(code, "cannot write");
}

bool WriteTransaction::erase(Table table, ByteView key) {
  AIMLOG_CHECK(state_->txn != nullptr);
  const auto index = static_cast<unsigned>(table);
  MDB_val k = to_val(key);
  const int code = mdb_del(state_->txn, state_->env.tables[index], &k, nullptr);
  if (code == MDB_NOTFOUND) return false;
  state_->expect(code, "cannot erase");
  --state_->counts.rows[index];
  return true;
}

void WriteTransaction::commit() {
  AIMLOG_CHECK(state_->txn != nullptr);
  state_->write_row_counts();
  state_->expect(state_->finish(true), "cannot commit");
}

void with_write_transaction(Environment& environment, Patience patience,
                            const std::function<void(WriteTransaction&)>& work) {
  for (;;) {
    try {
      WriteTransaction txn(environment, patience);
      work(txn);
      txn.commit();
      return;
    } catch (const MapGrown&) {
      // The map is larger now.
    }
  }
}

}  // namespace aimlog

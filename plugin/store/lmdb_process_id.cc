#include "plugin/store/lmdb_process_id.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "plugin/base/random.h"

namespace aimlog {

bool claim_process_id(MDB_env* env) {
  // LMDB does it with the first transaction that reads. All else that may be wrong with one is met
  // by the next.
  MDB_txn* txn = nullptr;
  const int code = mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn);
  if (code == 0) mdb_txn_abort(txn);
  return code != EAGAIN;
}

}  // namespace aimlog

extern "C" {

pid_t aimlog_lmdb_process_id() noexcept try {
  const auto bytes = aimlog::random_128();
  uint32_t number = 0;
  std::memcpy(&number, bytes.data(), sizeof number);
  constexpr uint32_t lowest = aimlog::process_id_limit;
  constexpr uint32_t beyond = uint32_t{1} << 31;
  return static_cast<pid_t>(lowest + number % (beyond - lowest));
} catch (...) {
  return ::getpid();
}

// LMDB's archive may be compiled for programs only, which find `stderr` in another way than a
// library does; what it would write there is about a failed assert, and we catch these.
__attribute__((visibility("hidden"))) std::FILE* aimlog_lmdb_stderr = stderr;
}

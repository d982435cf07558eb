#include "plugin/store/lmdb_handles.h"

#include <sys/mman.h>

#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <string>

#include "plugin/store/damage_advice.h"

namespace aimlog {

Error lmdb_error(int code, const std::string& what) {
  // Only where LMDB is a shared library: it tells readers apart by process ids.
  if (code == EAGAIN) {
    return Error(ErrorCode::busy,
                 what +
                     ": a process in another pid namespace (another container) that has the same "
                     "process id uses this repo: let the containers share one pid namespace, or "
                     "start this program under another process id");
  }
  if (code > 0) return system_error(what, code);
  const std::string text = what + ": " + mdb_strerror(code);
  switch (code) {
    case MDB_PANIC:
      return Error(ErrorCode::io, text + " (after a failed write it must be opened again)");
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_CURSOR_FULL:
    case MDB_INCOMPATIBLE:
      return Error(ErrorCode::corrupt, text + " (the file is damaged: " + damage_advice + ")");
    case MDB_VERSION_MISMATCH:
      return Error(ErrorCode::unsupported, text);
    case MDB_READERS_FULL:
      return Error(ErrorCode::busy,
                   what + ": too many programs read this repo at once (more than " +
                       std::to_string(reader_count_max) + "): end some, and try again");
    default:
      return Error(ErrorCode::internal, text);
  }
}

int follow_map(MDB_env* env) {
  MDB_envinfo info;
  MDB_stat stat;
  mdb_env_info(env, &info);
  mdb_env_stat(env, &stat);
  const size_t bytes = (info.me_last_pgno + 1) * stat.ms_psize + smallest_map_bytes;
  return bytes <= info.me_mapsize ? 0 : mdb_env_set_mapsize(env, bytes);
}

void keep_from_children(const void* inside) {
  std::FILE* maps = std::fopen("/proc/self/maps", "re");
  if (maps == nullptr) return;
  const auto wanted = reinterpret_cast<uintptr_t>(inside);
  char line[512];
  while (std::fgets(line, sizeof line, maps) != nullptr) {
    uintptr_t begin = 0;
    uintptr_t end = 0;
    if (std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &begin, &end) != 2) continue;
    if (wanted < begin || wanted >= end) continue;
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTFORK);
    break;
  }
  std::fclose(maps);
}

}  // namespace aimlog

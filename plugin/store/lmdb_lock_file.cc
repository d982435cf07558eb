#include "plugin/store/lmdb_lock_file.h"

#include <fcntl.h>
#include <pthread.h>

#include <algorithm>
#include <cerrno>

#include "plugin/base/file.h"
#include "plugin/store/lmdb_handles.h"

namespace aimlog {
namespace {

constexpr uint64_t block_bytes = 512;  // of stat's st_blocks

// LMDB holds a lock on the first byte while it has the file open. Only asked for: to take it for a
// moment would make another program believe that the table is set up.
bool is_used_elsewhere(int fd) {
  struct flock first {};
  first.l_type = F_WRLCK;
  first.l_whence = SEEK_SET;
  first.l_len = 1;
  return ::fcntl(fd, F_GETLK, &first) != 0 || first.l_type != F_UNLCK;
}

}  // namespace

uint64_t lock_file_bytes(unsigned readers) {
  // Two heads, each with a mutex, and the readers, all on cache lines of their own.
  constexpr size_t line = 64;
  const auto whole_lines = [](size_t bytes) { return (bytes + line - 1) / line * line; };
  const size_t head = whole_lines(2 * sizeof(uint32_t) + sizeof(pthread_mutex_t) + sizeof(size_t) +
                                  sizeof(unsigned));
  return head + whole_lines(sizeof(pthread_mutex_t)) + uint64_t{readers} * line;
}

void allocate_lock_file(const std::filesystem::path& file, bool may_write) {
  const UniqueFd fd = open_file(file, O_RDWR | O_CREAT, 0664);
  struct stat found;
  if (file_calls().fstat(fd.get(), &found) != 0) {
    throw system_error("cannot look at " + file.string(), errno);
  }
  const auto size = static_cast<uint64_t>(found.st_size);
  // Others have mapped as much as there is: LMDB makes it longer for the first one only, and so do
  // we.
  const uint64_t wanted =
      is_used_elsewhere(fd.get()) ? size : std::max(size, lock_file_bytes(reader_count_max));
  const bool has_blocks = static_cast<uint64_t>(found.st_blocks) * block_bytes >= wanted;
  if (size >= wanted && has_blocks) return;
  try {
    if (allocate_file(fd.get(), wanted, file)) return;
  } catch (const Error& error) {
    if (may_write || size < wanted || error.code() != ErrorCode::no_space) throw;
    return;
  }
  if (size < wanted) write_all_at(fd.get(), Bytes(wanted - size, '\0'), size, file);
}

}  // namespace aimlog

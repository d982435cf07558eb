// Preloaded into whatever opens a repo: the system has little address space for its map, so that
// the map has to grow, and to follow where others have grown it, as within 64 GiB it never would.
// LMDB asks for as much as the file takes in any case.
//
//   AIMLOG_MAP_NOTE=FILE   gets a line each time a map is made anew: the name of the program
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

// What is asked for at first is a power of two, and half of it as long as there is no room.
constexpr size_t reservation_min = size_t{1} << 30;
constexpr size_t room = size_t{16} << 20;
std::atomic<bool> opening{false};

bool is_data_file(int fd) {
  char link[32];
  char path[4096] = {};
  std::snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  return ::readlink(link, path, sizeof(path) - 1) > 0 && std::strstr(path, "/data.mdb") != nullptr;
}

bool has_room(size_t size) {
  if (size >= reservation_min) opening = true;
  if (opening && size > room && (size & (size - 1)) == 0) return false;
  return true;
}

void note_new_map() {
  if (opening.exchange(false)) return;
  const char* path = std::getenv("AIMLOG_MAP_NOTE");
  const int file = path == nullptr ? -1 : ::open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (file < 0) return;
  const std::string line = std::string(program_invocation_short_name) + "\n";
  if (::write(file, line.data(), line.size()) < 0) std::abort();
  ::close(file);
}

}  // namespace

// Named by the symbol, as a header may have renamed the one to the other (_FILE_OFFSET_BITS).
#define REPLACES(NAME) asm(NAME) __attribute__((visibility("default"), used))
#define REPLACE_MAP(FUNCTION, NAME)                                                                \
  void* FUNCTION(void* at, size_t size, int access, int flags, int fd, off_t from) REPLACES(NAME); \
  void* FUNCTION(void* at, size_t size, int access, int flags, int fd, off_t from) {               \
    static const auto call = reinterpret_cast<decltype(&FUNCTION)>(::dlsym(RTLD_NEXT, NAME));      \
    if (fd < 0 || !is_data_file(fd)) return call(at, size, access, flags, fd, from);               \
    if (!has_room(size)) {                                                                         \
      errno = ENOMEM;                                                                              \
      return MAP_FAILED;                                                                           \
    }                                                                                              \
    note_new_map();                                                                                \
    return call(at, size, access, flags, fd, from);                                                \
  }

extern "C" {
REPLACE_MAP(small_mmap, "mmap")
REPLACE_MAP(small_mmap64, "mmap64")
}

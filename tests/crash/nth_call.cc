// Preloaded into a host or the command: something bad happens at the Nth of the calls by which it
// touches a repo, or at its Nth allocation.
//
//   AIMLOG_FAULT="WHAT N"       once; eight times: "WHAT N few"; from there on: "WHAT N ever"
//   AIMLOG_FAULT_NOTE=FILE      gets the name of the call; or how many there were, if none was hit
//
// WHAT is kill-before, kill-half (of a write) or kill-after, which end the process as SIGKILL does;
// EIO, ENOSPC, EINTR, EAGAIN or EMFILE, each for calls that may say so; short, for reads and
// writes; or memory. Calls of a kind to which WHAT does not apply are not counted, nor is anything
// that is done before main().
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace {

enum class What { nothing, kill_before, kill_half, kill_after, error, brief, memory };
enum class Kind { open, read, write, sync, allocate, resize, map, populate, name, lock };

constexpr unsigned long few = 8;

struct Plan {
  What what = What::nothing;
  int error = 0;
  unsigned long nth = 0;
  unsigned long last = 0;  // of the calls that are hit
};

// Constant-initialized: calls come before any constructor has run.
constinit Plan plan;
constinit std::atomic<bool> armed{false};
__attribute__((tls_model("initial-exec"))) constinit thread_local bool outside = false;

// With those of forked children.
struct Counts {
  std::atomic<unsigned long> calls{0};
  std::atomic<bool> hit{false};
};
constinit Counts own;
constinit Counts* counts = &own;

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

void note(const char* text) {
  const char* path = std::getenv("AIMLOG_FAULT_NOTE");
  if (path == nullptr) return;
  const long fd = ::syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd < 0) return;
  ::syscall(SYS_write, fd, text, std::strlen(text));
  ::syscall(SYS_close, fd);
}

[[noreturn]] void die() {
  ::kill(::getpid(), SIGKILL);
  while (true) ::pause();
}

// 0: no such call says this.
int error_of(Kind kind, int error) {
  const bool writes = kind == Kind::write || kind == Kind::allocate || kind == Kind::resize;
  const bool names = kind == Kind::name || kind == Kind::open;
  switch (error) {
    case EIO:
      if (kind == Kind::map) return ENOMEM;
      if (kind == Kind::populate) return EFAULT;
      return kind == Kind::lock ? ENOLCK : EIO;
    case ENOSPC:
      if (kind == Kind::populate) return EFAULT;
      return writes || names || kind == Kind::sync ? ENOSPC : 0;
    case EINTR:
      return writes || kind == Kind::open || kind == Kind::read || kind == Kind::lock ? EINTR : 0;
    case EAGAIN:
      return kind == Kind::write || kind == Kind::lock || kind == Kind::map ? EAGAIN : 0;
    default:
      return kind == Kind::open ? error : 0;
  }
}

bool applies(Kind kind) {
  switch (plan.what) {
    case What::kill_before:
    case What::kill_after:
      return kind != Kind::read;
    case What::kill_half:
      return kind == Kind::write;
    case What::error:
      return error_of(kind, plan.error) != 0;
    case What::brief:
      return kind == Kind::read || kind == Kind::write;
    default:
      return false;
  }
}

bool is_due(const char* name) {
  const unsigned long call = ++counts->calls;
  if (call < plan.nth || call > plan.last) return false;
  if (!counts->hit.exchange(true)) note(name);
  return true;
}

// "/.aimlog" is in the path of all that belongs to a repo; ".tmp" ends unfinished names.
bool is_ours(const char* path) {
  return path != nullptr &&
         (std::strstr(path, "/.aimlog") != nullptr || std::strstr(path, ".tmp") != nullptr);
}
bool is_ours(int fd) {
  char link[32];
  char path[4096] = {};
  std::snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  return ::readlink(link, path, sizeof(path) - 1) > 0 && is_ours(path);
}

// Carries the call out as the plan wants it. `half` does a part of what `whole` does.
template <class Target, class Whole, class Half>
auto carry_out(Kind kind, const char* name, Target target, Whole whole, Half half) {
  using Result = decltype(whole());
  if (!armed || !applies(kind) || !is_ours(target) || !is_due(name)) return whole();
  if (plan.what == What::kill_before) die();
  if (plan.what == What::error) {
    errno = error_of(kind, plan.error);
    if constexpr (std::is_same_v<Result, DIR*>) return Result{};
    return (Result)-1;  // also MAP_FAILED
  }
  const bool in_part = plan.what == What::kill_half || plan.what == What::brief;
  const Result result = in_part ? half() : whole();
  if (plan.what != What::brief) die();
  return result;
}

template <class Target, class Whole>
auto carry_out(Kind kind, const char* name, Target target, Whole whole) {
  return carry_out(kind, name, target, whole, whole);
}

size_t half_of(size_t count) { return count > 1 ? count / 2 : count; }

bool memory_fails() {
  if (plan.what != What::memory || !armed || outside) return false;
  return is_due("malloc") && (errno = ENOMEM) != 0;
}

void read_plan() {
  const char* text = std::getenv("AIMLOG_FAULT");
  char word[16] = {};
  char often[8] = {};
  if (text == nullptr || std::sscanf(text, "%15s %lu %7s", word, &plan.nth, often) < 2) return;
  const std::string_view what = word;
  plan.last = plan.nth;
  if (std::strcmp(often, "few") == 0) plan.last += few - 1;
  if (std::strcmp(often, "ever") == 0) plan.last = ULONG_MAX;
  plan.what = What::error;
  if (what == "kill-before") plan.what = What::kill_before;
  if (what == "kill-half") plan.what = What::kill_half;
  if (what == "kill-after") plan.what = What::kill_after;
  if (what == "short") plan.what = What::brief;
  if (what == "memory") plan.what = What::memory;
  constexpr std::pair<std::string_view, int> errors[] = {
      {"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EINTR", EINTR}, {"EAGAIN", EAGAIN}, {"EMFILE", EMFILE}};
  for (const auto& each : errors) plan.error = what == each.first ? each.second : plan.error;
}

int (*program_main)(int, char**, char**);

int armed_main(int count, char** words, char** environment) {
  read_plan();
  constexpr int access = PROT_READ | PROT_WRITE;
  void* shared = ::mmap(nullptr, sizeof(Counts), access, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared != MAP_FAILED) counts = new (shared) Counts;
  armed = true;
  return program_main(count, words, environment);
}

[[gnu::destructor]] void note_count() {
  armed = false;
  if (counts->hit || plan.what == What::nothing) return;
  char text[32];
  std::snprintf(text, sizeof(text), "none of %lu", counts->calls.load());
  note(text);
}

}  // namespace

// Named by the symbol, as a header may have renamed the one to the other (_FILE_OFFSET_BITS).
#define REPLACES(NAME) asm(NAME) __attribute__((visibility("default"), used))
#define REAL(FUNCTION, NAME) static const auto call = real<decltype(&FUNCTION)>(NAME)

extern "C" {
// What a host tells: whether this thread is in a call of its own, whose memory is its own affair.
void crash_fault_outside(int yes) REPLACES("crash_fault_outside");
void crash_fault_outside(int yes) { outside = yes != 0; }

using Main = int (*)(int, char**, char**);
int start_main(Main main, int count, char** words, void (*a)(), void (*b)(), void (*c)(), void* end)
    REPLACES("__libc_start_main");
int start_main(Main main, int count, char** words, void (*a)(), void (*b)(), void (*c)(),
               void* end) {
  REAL(start_main, "__libc_start_main");
  program_main = main;
  return call(armed_main, count, words, a, b, c, end);
}

void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* fault_malloc(size_t size) REPLACES("malloc");
void* fault_malloc(size_t size) { return memory_fails() ? nullptr : __libc_malloc(size); }
void* fault_calloc(size_t count, size_t size) REPLACES("calloc");
void* fault_calloc(size_t count, size_t size) {
  return memory_fails() ? nullptr : __libc_calloc(count, size);
}
void* fault_realloc(void* memory, size_t size) REPLACES("realloc");
void* fault_realloc(void* memory, size_t size) {
  return memory_fails() ? nullptr : __libc_realloc(memory, size);
}

#define REPLACE_OPEN(FUNCTION, NAME)                                                   \
  int FUNCTION(const char* path, int flags, ...) REPLACES(NAME);                       \
  int FUNCTION(const char* path, int flags, ...) {                                     \
    REAL(FUNCTION, NAME);                                                              \
    va_list more;                                                                      \
    va_start(more, flags);                                                             \
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;             \
    va_end(more);                                                                      \
    return carry_out(Kind::open, NAME, path, [&] { return call(path, flags, mode); }); \
  }
REPLACE_OPEN(fault_open, "open")
REPLACE_OPEN(fault_open64, "open64")

// By a name below a directory that is open: what std::filesystem walks through.
#define REPLACE_OPEN_AT(FUNCTION, NAME)                                    \
  int FUNCTION(int at, const char* path, int flags, ...) REPLACES(NAME);   \
  int FUNCTION(int at, const char* path, int flags, ...) {                 \
    REAL(FUNCTION, NAME);                                                  \
    va_list more;                                                          \
    va_start(more, flags);                                                 \
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0; \
    va_end(more);                                                          \
    const auto open_at = [&] { return call(at, path, flags, mode); };      \
    if (at == AT_FDCWD) return carry_out(Kind::open, NAME, path, open_at); \
    return carry_out(Kind::open, NAME, at, open_at);                       \
  }
REPLACE_OPEN_AT(fault_openat, "openat")
REPLACE_OPEN_AT(fault_openat64, "openat64")

DIR* fault_opendir(const char* path) REPLACES("opendir");
DIR* fault_opendir(const char* path) {
  REAL(fault_opendir, "opendir");
  return carry_out(Kind::open, "opendir", path, [&] { return call(path); });
}

#define REPLACE_FCNTL(FUNCTION, NAME)                                                    \
  int FUNCTION(int fd, int command, ...) REPLACES(NAME);                                 \
  int FUNCTION(int fd, int command, ...) {                                               \
    REAL(FUNCTION, NAME);                                                                \
    va_list more;                                                                        \
    va_start(more, command);                                                             \
    void* argument = va_arg(more, void*);                                                \
    va_end(more);                                                                        \
    if (command != F_SETLK && command != F_SETLKW) return call(fd, command, argument);   \
    return carry_out(Kind::lock, NAME, fd, [&] { return call(fd, command, argument); }); \
  }
REPLACE_FCNTL(fault_fcntl, "fcntl")
REPLACE_FCNTL(fault_fcntl64, "fcntl64")

#define REPLACE_POSITIONED(FUNCTION, NAME, KIND, BYTES)                             \
  ssize_t FUNCTION(int fd, BYTES bytes, size_t count, off_t offset) REPLACES(NAME); \
  ssize_t FUNCTION(int fd, BYTES bytes, size_t count, off_t offset) {               \
    REAL(FUNCTION, NAME);                                                           \
    return carry_out(                                                               \
        KIND, NAME, fd, [&] { return call(fd, bytes, count, offset); },             \
        [&] { return call(fd, bytes, half_of(count), offset); });                   \
  }
REPLACE_POSITIONED(fault_pwrite, "pwrite", Kind::write, const void*)
REPLACE_POSITIONED(fault_pwrite64, "pwrite64", Kind::write, const void*)
REPLACE_POSITIONED(fault_pread, "pread", Kind::read, void*)
REPLACE_POSITIONED(fault_pread64, "pread64", Kind::read, void*)

#define REPLACE_VECTOR(FUNCTION, NAME)                                                  \
  ssize_t FUNCTION(int fd, const iovec* parts, int count, off_t offset) REPLACES(NAME); \
  ssize_t FUNCTION(int fd, const iovec* parts, int count, off_t offset) {               \
    REAL(FUNCTION, NAME);                                                               \
    return carry_out(                                                                   \
        Kind::write, NAME, fd, [&] { return call(fd, parts, count, offset); },          \
        [&] { return call(fd, parts, std::max(1, count / 2), offset); });               \
  }
REPLACE_VECTOR(fault_pwritev, "pwritev")
REPLACE_VECTOR(fault_pwritev64, "pwritev64")

#define REPLACE_PLAIN(FUNCTION, NAME, KIND, BYTES)                    \
  ssize_t FUNCTION(int fd, BYTES bytes, size_t count) REPLACES(NAME); \
  ssize_t FUNCTION(int fd, BYTES bytes, size_t count) {               \
    REAL(FUNCTION, NAME);                                             \
    return carry_out(                                                 \
        KIND, NAME, fd, [&] { return call(fd, bytes, count); },       \
        [&] { return call(fd, bytes, half_of(count)); });             \
  }
REPLACE_PLAIN(fault_write, "write", Kind::write, const void*)
REPLACE_PLAIN(fault_read, "read", Kind::read, void*)

#define REPLACE_ON_FILE(FUNCTION, NAME, KIND)                   \
  int FUNCTION(int fd) REPLACES(NAME);                          \
  int FUNCTION(int fd) {                                        \
    REAL(FUNCTION, NAME);                                       \
    return carry_out(KIND, NAME, fd, [&] { return call(fd); }); \
  }
REPLACE_ON_FILE(fault_fsync, "fsync", Kind::sync)
REPLACE_ON_FILE(fault_fdatasync, "fdatasync", Kind::sync)

#define REPLACE_RESIZE(FUNCTION, NAME)                                        \
  int FUNCTION(int fd, off_t size) REPLACES(NAME);                            \
  int FUNCTION(int fd, off_t size) {                                          \
    REAL(FUNCTION, NAME);                                                     \
    return carry_out(Kind::resize, NAME, fd, [&] { return call(fd, size); }); \
  }
REPLACE_RESIZE(fault_ftruncate, "ftruncate")
REPLACE_RESIZE(fault_ftruncate64, "ftruncate64")

#define REPLACE_ALLOCATE(FUNCTION, NAME)                                                      \
  int FUNCTION(int fd, int mode, off_t offset, off_t size) REPLACES(NAME);                    \
  int FUNCTION(int fd, int mode, off_t offset, off_t size) {                                  \
    REAL(FUNCTION, NAME);                                                                     \
    return carry_out(Kind::allocate, NAME, fd, [&] { return call(fd, mode, offset, size); }); \
  }
REPLACE_ALLOCATE(fault_fallocate, "fallocate")
REPLACE_ALLOCATE(fault_fallocate64, "fallocate64")

#define REPLACE_MAP(FUNCTION, NAME)                                                                \
  void* FUNCTION(void* at, size_t size, int access, int flags, int fd, off_t from) REPLACES(NAME); \
  void* FUNCTION(void* at, size_t size, int access, int flags, int fd, off_t from) {               \
    REAL(FUNCTION, NAME);                                                                          \
    return carry_out(Kind::map, NAME, fd,                                                          \
                     [&] { return call(at, size, access, flags, fd, from); });                     \
  }
REPLACE_MAP(fault_mmap, "mmap")
REPLACE_MAP(fault_mmap64, "mmap64")

int fault_madvise(void* at, size_t size, int advice) REPLACES("madvise");
int fault_madvise(void* at, size_t size, int advice) {
  constexpr int populate_write = 23;  // which nobody else asks for
  REAL(fault_madvise, "madvise");
  const char* path = advice == populate_write ? "/.aimlog" : nullptr;
  return carry_out(Kind::populate, "madvise", path, [&] { return call(at, size, advice); });
}

int fault_flock(int fd, int operation) REPLACES("flock");
int fault_flock(int fd, int operation) {
  REAL(fault_flock, "flock");
  if ((operation & LOCK_UN) != 0) return call(fd, operation);
  return carry_out(Kind::lock, "flock", fd, [&] { return call(fd, operation); });
}

int fault_rename(const char* from, const char* to) REPLACES("rename");
int fault_rename(const char* from, const char* to) {
  REAL(fault_rename, "rename");
  return carry_out(Kind::name, "rename", from, [&] { return call(from, to); });
}

int fault_rename2(int a, const char* from, int b, const char* to, unsigned how)
    REPLACES("renameat2");
int fault_rename2(int a, const char* from, int b, const char* to, unsigned how) {
  REAL(fault_rename2, "renameat2");
  return carry_out(Kind::name, "renameat2", from, [&] { return call(a, from, b, to, how); });
}

int fault_unlink(const char* path) REPLACES("unlink");
int fault_unlink(const char* path) {
  REAL(fault_unlink, "unlink");
  return carry_out(Kind::name, "unlink", path, [&] { return call(path); });
}

int fault_mkdir(const char* path, mode_t mode) REPLACES("mkdir");
int fault_mkdir(const char* path, mode_t mode) {
  REAL(fault_mkdir, "mkdir");
  return carry_out(Kind::name, "mkdir", path, [&] { return call(path, mode); });
}
}

#include "tests/crash/faults.h"

#include <dlfcn.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <string_view>
#include <thread>

namespace crash {
namespace {

std::atomic<int> sync_delay_ms{0};
std::atomic<int> write_error{0};
std::atomic<long> clock_ahead_s{0};
std::atomic<bool> all_clocks{false};

bool is_data_file(int fd) {
  char link[32];
  char path[4096];
  std::snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  const ssize_t length = ::readlink(link, path, sizeof(path));
  return length > 0 && std::string_view(path, static_cast<std::size_t>(length)).find("data.mdb") !=
                           std::string_view::npos;
}

bool fails(int fd) {
  const int error = write_error.load();
  if (error == 0 || !is_data_file(fd)) return false;
  errno = error;
  return true;
}

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

void slow_down_syncs(int milliseconds) { sync_delay_ms = milliseconds; }
void fail_writes(int error_number) { write_error = error_number; }
void set_clock_ahead(long seconds, bool all) {
  all_clocks = all;
  clock_ahead_s = seconds;
}

}  // namespace crash

// Named by the symbol, as a header may have renamed the one to the other (_FILE_OFFSET_BITS).
#define REPLACES(NAME) asm(NAME) __attribute__((visibility("default"), used))

extern "C" {
int crash_fdatasync(int fd) REPLACES("fdatasync");
int crash_clock_gettime(clockid_t clock, timespec* now) REPLACES("clock_gettime");
ssize_t crash_pwrite(int fd, const void* bytes, size_t count, off_t offset) REPLACES("pwrite");
ssize_t crash_pwrite64(int fd, const void* bytes, size_t count, off_t offset) REPLACES("pwrite64");
ssize_t crash_pwritev(int fd, const iovec* parts, int count, off_t offset) REPLACES("pwritev");
ssize_t crash_pwritev64(int fd, const iovec* parts, int count, off_t offset) REPLACES("pwritev64");
}

int crash_fdatasync(int fd) {
  static const auto call = crash::real<int (*)(int)>("fdatasync");
  const int delay = crash::sync_delay_ms.load();
  if (delay > 0 && crash::is_data_file(fd)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(delay));
  }
  return crash::fails(fd) ? -1 : call(fd);
}

int crash_clock_gettime(clockid_t clock, timespec* now) {
  static const auto call = crash::real<decltype(&crash_clock_gettime)>("clock_gettime");
  const int code = call(clock, now);
  const bool wrong = clock == CLOCK_REALTIME || (clock == CLOCK_MONOTONIC && crash::all_clocks);
  if (code == 0 && wrong) now->tv_sec += crash::clock_ahead_s.load();
  return code;
}

ssize_t crash_pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  static const auto call = crash::real<decltype(&crash_pwrite)>("pwrite");
  return crash::fails(fd) ? -1 : call(fd, bytes, count, offset);
}

ssize_t crash_pwrite64(int fd, const void* bytes, size_t count, off_t offset) {
  static const auto call = crash::real<decltype(&crash_pwrite64)>("pwrite64");
  return crash::fails(fd) ? -1 : call(fd, bytes, count, offset);
}

ssize_t crash_pwritev(int fd, const iovec* parts, int count, off_t offset) {
  static const auto call = crash::real<decltype(&crash_pwritev)>("pwritev");
  return crash::fails(fd) ? -1 : call(fd, parts, count, offset);
}

ssize_t crash_pwritev64(int fd, const iovec* parts, int count, off_t offset) {
  static const auto call = crash::real<decltype(&crash_pwritev64)>("pwritev64");
  return crash::fails(fd) ? -1 : call(fd, parts, count, offset);
}

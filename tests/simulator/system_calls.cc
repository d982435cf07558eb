// Definitions of system calls that go before the C library's, for every library in the program:
// files of the repo go through the disk, clock and random bytes come from the history's seed.
#include "tests/simulator/system_calls.h"

#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "tests/simulator/disk.h"

namespace aimlog::sim {

Random system_random(0);
int64_t clock_ns = 0;
std::function<void()> on_sleep;

namespace {

constexpr int64_t wall_begin_ns = INT64_C(2'000'000'000'000'000'000);

bool goes_to_disk(int fd) { return current_disk != nullptr && current_disk->owns(fd); }

ssize_t write_at(int fd, const void* bytes, size_t count, off_t offset) {
  if (!goes_to_disk(fd)) return ::syscall(SYS_pwrite64, fd, bytes, count, offset);
  return current_disk->write(fd, bytes, count, static_cast<uint64_t>(offset));
}

// LMDB seeks and writes at the file's own place.
ssize_t write_here(int fd, const void* bytes, size_t count) {
  if (!goes_to_disk(fd)) return ::syscall(SYS_write, fd, bytes, count);
  const off_t place = ::lseek(fd, 0, SEEK_CUR);
  const ssize_t done = current_disk->write(fd, bytes, count, static_cast<uint64_t>(place));
  const int error_number = errno;
  if (done > 0) ::lseek(fd, place + done, SEEK_SET);
  errno = error_number;
  return done;
}

std::string join(const iovec* parts, int count) {
  std::string whole;
  for (int i = 0; i < count; ++i) {
    whole.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
  }
  return whole;
}

ssize_t write_parts_at(int fd, const iovec* parts, int count, off_t offset) {
  const std::string whole = join(parts, count);
  return write_at(fd, whole.data(), whole.size(), offset);
}

// Real syncs would only take time: nothing here is read by another machine.
int sync_file(int fd) { return goes_to_disk(fd) ? current_disk->sync(fd) : 0; }

}  // namespace
}  // namespace aimlog::sim

// Named by the symbol, as a header may have renamed the one to the other (_FILE_OFFSET_BITS).
#define REPLACES(NAME) asm(NAME) __attribute__((visibility("default"), used))

extern "C" {
int sim_fdatasync(int fd) REPLACES("fdatasync");
int sim_fsync(int fd) REPLACES("fsync");
ssize_t sim_pwrite(int fd, const void* bytes, size_t count, off_t offset) REPLACES("pwrite");
ssize_t sim_pwrite64(int fd, const void* bytes, size_t count, off_t offset) REPLACES("pwrite64");
ssize_t sim_pwritev(int fd, const iovec* parts, int count, off_t offset) REPLACES("pwritev");
ssize_t sim_pwritev64(int fd, const iovec* parts, int count, off_t offset) REPLACES("pwritev64");
ssize_t sim_write(int fd, const void* bytes, size_t count) REPLACES("write");
ssize_t sim_writev(int fd, const iovec* parts, int count) REPLACES("writev");
int sim_rename(const char* from, const char* to) REPLACES("rename");
int sim_unlink(const char* path) REPLACES("unlink");
int sim_clock_gettime(clockid_t clock, timespec* now) REPLACES("clock_gettime");
int sim_nanosleep(const timespec* time, timespec* left) REPLACES("nanosleep");
int sim_clock_nanosleep(clockid_t clock, int flags, const timespec* time, timespec* left)
    REPLACES("clock_nanosleep");
ssize_t sim_getrandom(void* bytes, size_t count, unsigned flags) REPLACES("getrandom");
}

int sim_fdatasync(int fd) { return aimlog::sim::sync_file(fd); }
int sim_fsync(int fd) { return aimlog::sim::sync_file(fd); }

ssize_t sim_pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  return aimlog::sim::write_at(fd, bytes, count, offset);
}
ssize_t sim_pwrite64(int fd, const void* bytes, size_t count, off_t offset) {
  return aimlog::sim::write_at(fd, bytes, count, offset);
}
ssize_t sim_pwritev(int fd, const iovec* parts, int count, off_t offset) {
  return aimlog::sim::write_parts_at(fd, parts, count, offset);
}
ssize_t sim_pwritev64(int fd, const iovec* parts, int count, off_t offset) {
  return aimlog::sim::write_parts_at(fd, parts, count, offset);
}

ssize_t sim_write(int fd, const void* bytes, size_t count) {
  return aimlog::sim::write_here(fd, bytes, count);
}
ssize_t sim_writev(int fd, const iovec* parts, int count) {
  const std::string whole = aimlog::sim::join(parts, count);
  return aimlog::sim::write_here(fd, whole.data(), whole.size());
}

int sim_rename(const char* from, const char* to) {
  if (aimlog::sim::current_disk != nullptr) return aimlog::sim::current_disk->rename(from, to);
  return static_cast<int>(::syscall(SYS_rename, from, to));
}
int sim_unlink(const char* path) {
  if (aimlog::sim::current_disk != nullptr) return aimlog::sim::current_disk->unlink(path);
  return static_cast<int>(::syscall(SYS_unlink, path));
}

int sim_clock_gettime(clockid_t clock, timespec* now) {
  if (aimlog::sim::current_disk == nullptr) {
    return static_cast<int>(::syscall(SYS_clock_gettime, clock, now));
  }
  aimlog::sim::clock_ns += 1000;
  const int64_t time =
      aimlog::sim::clock_ns + (clock == CLOCK_REALTIME ? aimlog::sim::wall_begin_ns : 0);
  now->tv_sec = time / 1'000'000'000;
  now->tv_nsec = time % 1'000'000'000;
  return 0;
}

int sim_nanosleep(const timespec* time, timespec*) {
  // Longer than asked for, so that a wait with a bound ends after few turns.
  aimlog::sim::clock_ns += 50 * (time->tv_sec * INT64_C(1'000'000'000) + time->tv_nsec);
  if (aimlog::sim::on_sleep) aimlog::sim::on_sleep();
  return 0;
}
int sim_clock_nanosleep(clockid_t, int, const timespec* time, timespec* left) {
  return sim_nanosleep(time, left);
}

ssize_t sim_getrandom(void* bytes, size_t count, unsigned) {
  auto* out = static_cast<char*>(bytes);
  for (size_t i = 0; i < count; ++i) {
    out[i] = static_cast<char>(aimlog::sim::system_random.next());
  }
  return static_cast<ssize_t>(count);
}

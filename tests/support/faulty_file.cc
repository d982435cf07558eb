#include "tests/support/faulty_file.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "plugin/base/file.h"

namespace aimlog::test {
namespace {

struct Plan {
  uint64_t calls = 0;
  uint64_t failing_call = 0;
  int failing_errno = 0;
  int allocation_errno = 0;
  bool writes_are_limited = false;
  uint64_t writable_bytes = 0;
  uint64_t broken_begin = 0;
  uint64_t broken_end = 0;
  bool interrupts = false;
  bool interrupted = false;
  bool copy_on_write = false;
};

Plan plan;

// Whether this call is to fail, with errno set.
bool faulty() {
  if (plan.interrupts) {
    plan.interrupted = !plan.interrupted;
    errno = EINTR;
    if (plan.interrupted) return true;
  }
  if (++plan.calls != plan.failing_call) return false;
  errno = plan.failing_errno;
  return true;
}

// These are never interrupted on Linux, or may not be tried again after it.
bool faulty_once() {
  const bool interrupts = std::exchange(plan.interrupts, false);
  const bool result = faulty();
  plan.interrupts = interrupts;
  return result;
}

size_t shortened(size_t count) { return plan.interrupts ? std::min<size_t>(count, 1000) : count; }

int open_call(const char* path, int flags, mode_t mode) {
  return faulty() ? -1 : system_file_calls.open(path, flags, mode);
}

ssize_t pread_call(int fd, void* bytes, size_t count, off_t offset) {
  if (faulty()) return -1;
  const auto begin = static_cast<uint64_t>(offset);
  if (begin < plan.broken_end && begin + count > plan.broken_begin) {
    errno = EIO;
    return -1;
  }
  return system_file_calls.pread(fd, bytes, shortened(count), offset);
}

ssize_t pwrite_call(int fd, const void* bytes, size_t count, off_t offset) {
  if (faulty()) return -1;
  count = shortened(count);
  if (plan.writes_are_limited) {
    count = std::min<size_t>(count, plan.writable_bytes);
    plan.writable_bytes -= count;
    errno = ENOSPC;
    if (count == 0) return -1;
  }
  return system_file_calls.pwrite(fd, bytes, count, offset);
}

int fallocate_call(int fd, int mode, off_t offset, off_t count) {
  if (faulty()) return -1;
  errno = plan.allocation_errno;
  return errno != 0 ? -1 : system_file_calls.fallocate(fd, mode, offset, count);
}

int ftruncate_call(int fd, off_t size) {
  return faulty() ? -1 : system_file_calls.ftruncate(fd, size);
}
int fsync_call(int fd) { return faulty_once() ? -1 : system_file_calls.fsync(fd); }
int fstat_call(int fd, struct stat* out) {
  return faulty_once() ? -1 : system_file_calls.fstat(fd, out);
}

int fstatfs_call(int fd, struct statfs* out) {
  if (faulty()) return -1;
  const int result = system_file_calls.fstatfs(fd, out);
  if (plan.copy_on_write) out->f_type = 0x9123683e;  // btrfs
  return result;
}

int flock_call(int fd, int operation) {
  return faulty() ? -1 : system_file_calls.flock(fd, operation);
}
int rename_call(const char* from, const char* to) {
  return faulty_once() ? -1 : system_file_calls.rename(from, to);
}
int unlink_call(const char* path) { return faulty_once() ? -1 : system_file_calls.unlink(path); }

void* mmap_call(void* address, size_t count, int protection, int flags, int fd, off_t offset) {
  if (faulty_once()) return MAP_FAILED;
  return system_file_calls.mmap(address, count, protection, flags, fd, offset);
}

const FileCalls faulty_file_calls = {
    open_call,  pread_call,   pwrite_call, fallocate_call, ftruncate_call, fsync_call,
    fstat_call, fstatfs_call, flock_call,  rename_call,    unlink_call,    mmap_call,
};

}  // namespace

FaultyFile::FaultyFile() {
  plan = Plan();
  set_file_calls(faulty_file_calls);
}
FaultyFile::~FaultyFile() { set_file_calls(system_file_calls); }

void FaultyFile::fail_call(uint64_t nth, int error_number) {
  plan.failing_call = plan.calls + nth;
  plan.failing_errno = error_number;
}
void FaultyFile::fail_allocations(int error_number) { plan.allocation_errno = error_number; }
void FaultyFile::limit_writes(uint64_t bytes) {
  plan.writes_are_limited = true;
  plan.writable_bytes = bytes;
}
void FaultyFile::break_sector(uint64_t begin, uint64_t end) {
  plan.broken_begin = begin;
  plan.broken_end = end;
}
void FaultyFile::interrupt_and_shorten() { plan.interrupts = true; }
void FaultyFile::pretend_copy_on_write() { plan.copy_on_write = true; }
uint64_t FaultyFile::calls() const { return plan.calls; }

}  // namespace aimlog::test

#include "plugin/base/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

#include "plugin/base/error.h"

namespace aimlog {
namespace {

// From statfs(2) and the file systems' own sources; not all are in linux/magic.h.
constexpr auto btrfs_magic = 0x9123683e;
constexpr auto zfs_magic = 0x2fc12fc1;
constexpr auto bcachefs_magic = 0xca451a4e;

int open_call(const char* path, int flags, mode_t mode) { return ::open(path, flags, mode); }

template <typename Call>
auto retry_interrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

[[noreturn]] void fail(const char* verb, const std::filesystem::path& path) {
  const int error_number = errno;
  throw system_error(std::string("cannot ") + verb + " " + path.string(), error_number);
}

const FileCalls* calls_in_use = nullptr;

}  // namespace

const FileCalls system_file_calls = {
    open_call, ::pread,   ::pwrite, ::fallocate, ::ftruncate, ::fsync,
    ::fstat,   ::fstatfs, ::flock,  ::rename,    ::unlink,    ::mmap,
};

const FileCalls& file_calls() {
  return calls_in_use == nullptr ? system_file_calls : *calls_in_use;
}

void set_file_calls(const FileCalls& calls) { calls_in_use = &calls; }

UniqueFd open_file(const std::filesystem::path& path, int flags, mode_t mode) {
  UniqueFd fd(
      retry_interrupted([&] { return file_calls().open(path.c_str(), flags | O_CLOEXEC, mode); }));
  if (!fd) fail((flags & O_CREAT) != 0 ? "create" : "open", path);
  return fd;
}

void write_all_at(int fd, ByteView bytes, uint64_t offset, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = retry_interrupted([&] {
      return file_calls().pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    });
    if (written == 0) errno = EIO;
    if (written <= 0) fail("write to", path);
    bytes.remove_prefix(static_cast<size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
}

size_t read_all_at(int fd, char* bytes, size_t count, uint64_t offset,
                   const std::filesystem::path& path) {
  size_t done = 0;
  while (done < count) {
    const ssize_t got = retry_interrupted([&] {
      return file_calls().pread(fd, bytes + done, count - done, static_cast<off_t>(offset + done));
    });
    if (got < 0) fail("read", path);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

bool allocate_file(int fd, uint64_t size, const std::filesystem::path& path) {
  const int result =
      retry_interrupted([&] { return file_calls().fallocate(fd, 0, 0, static_cast<off_t>(size)); });
  if (result == 0) return true;
  if (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL) return false;
  fail("get disk space for", path);
}

void resize_file(int fd, uint64_t size, const std::filesystem::path& path) {
  if (retry_interrupted([&] { return file_calls().ftruncate(fd, static_cast<off_t>(size)); }) !=
      0) {
    fail("resize", path);
  }
}

uint64_t file_size(int fd, const std::filesystem::path& path) {
  struct stat status;
  if (file_calls().fstat(fd, &status) != 0) fail("look at", path);
  return static_cast<uint64_t>(status.st_size);
}

void sync_file(int fd, const std::filesystem::path& path) {
  // A failed sync is never tried again: the kernel may have dropped the pages already.
  if (file_calls().fsync(fd) != 0) fail("sync", path);
}

void sync_directory(const std::filesystem::path& directory) {
  const UniqueFd fd = open_file(directory, O_RDONLY | O_DIRECTORY);
  sync_file(fd.get(), directory);
}

void rename_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (file_calls().rename(from.c_str(), to.c_str()) != 0) fail("rename", from);
}

void remove_file(const std::filesystem::path& path) {
  if (file_calls().unlink(path.c_str()) != 0 && errno != ENOENT) fail("remove", path);
}

bool try_lock_file(int fd, int operation, const std::filesystem::path& path) {
  if (retry_interrupted([&] { return file_calls().flock(fd, operation | LOCK_NB); }) == 0) {
    return true;
  }
  if (errno == EWOULDBLOCK) return false;
  fail("lock", path);
}

bool is_copy_on_write(int fd, const std::filesystem::path& path) {
  struct statfs status;
  if (retry_interrupted([&] { return file_calls().fstatfs(fd, &status); }) != 0) {
    fail("find out the file system of", path);
  }
  const auto magic = static_cast<uint32_t>(status.f_type);
  return magic == btrfs_magic || magic == zfs_magic || magic == bcachefs_magic;
}

}  // namespace aimlog

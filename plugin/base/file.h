// The seam to the file system: the system calls that may fail, behind one table which tests replace
// by a faulty one. The functions throw Error with the path in its text; EINTR and short transfers
// are handled here. For files off the hot path; any thread.
#pragma once

#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/types.h>

#include <cstdint>
#include <filesystem>

#include "plugin/base/bytes.h"
#include "plugin/base/unique_fd.h"

namespace aimlog {

// Each entry behaves as the system call of its name: -1 and errno.
struct FileCalls {
  int (*open)(const char* path, int flags, mode_t mode);
  ssize_t (*pread)(int fd, void* bytes, size_t count, off_t offset);
  ssize_t (*pwrite)(int fd, const void* bytes, size_t count, off_t offset);
  int (*fallocate)(int fd, int mode, off_t offset, off_t count);
  int (*ftruncate)(int fd, off_t size);
  int (*fsync)(int fd);
  int (*fstat)(int fd, struct stat* out);
  int (*fstatfs)(int fd, struct statfs* out);
  int (*flock)(int fd, int operation);
  int (*rename)(const char* from, const char* to);
  int (*unlink)(const char* path);
  void* (*mmap)(void* address, size_t count, int protection, int flags, int fd, off_t offset);
};

// The system's own calls.
extern const FileCalls system_file_calls;

// The table in use. Replaced by tests only, while no other thread uses files.
const FileCalls& file_calls();
void set_file_calls(const FileCalls& calls);

// Opens with O_CLOEXEC added.
UniqueFd open_file(const std::filesystem::path& path, int flags, mode_t mode = 0666);

void write_all_at(int fd, ByteView bytes, uint64_t offset, const std::filesystem::path& path);

// Reads up to `count` bytes; fewer only at the end of the file.
size_t read_all_at(int fd, char* bytes, size_t count, uint64_t offset,
                   const std::filesystem::path& path);

// Gives the file its full size in allocated blocks, so that storing into a map of it cannot fail.
// False if the file system cannot do that.
bool allocate_file(int fd, uint64_t size, const std::filesystem::path& path);

void resize_file(int fd, uint64_t size, const std::filesystem::path& path);
uint64_t file_size(int fd, const std::filesystem::path& path);
void sync_file(int fd, const std::filesystem::path& path);
void sync_directory(const std::filesystem::path& directory);
void rename_file(const std::filesystem::path& from, const std::filesystem::path& to);

// A file that is not there is no error.
void remove_file(const std::filesystem::path& path);

// Takes LOCK_EX or LOCK_SH without waiting; false if somebody else holds it.
bool try_lock_file(int fd, int operation, const std::filesystem::path& path);

// Whether the file system writes changed blocks to a new place: then no allocation is for ever.
bool is_copy_on_write(int fd, const std::filesystem::path& path);

}  // namespace aimlog

// The file under a live ring: made, locked, mapped, and put away again.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>

#include "plugin/base/lock_fd.h"

namespace aimlog {

// Owns the file, its lock and its mapping. Two descriptors: the lock's is never mapped, since a
// mapping that a forked child inherits keeps the lock of the descriptor it was made from.
class RingFile {
 public:
  // Makes `<id>.ring` in `directory` as Ring::create says. Throws Error and leaves nothing behind.
  RingFile(const std::filesystem::path& directory, const std::array<unsigned char, 16>& id,
           uint64_t data_bytes);
  ~RingFile();
  RingFile(const RingFile&) = delete;
  RingFile& operator=(const RingFile&) = delete;

  const std::filesystem::path& path() const { return path_; }

  // The data area: the file's own pages, or, with uses_write_calls(), memory that write_back()
  // copies into the file. nullptr in a forked child.
  char* data() const { return data_; }
  uint64_t data_bytes() const { return data_bytes_; }
  bool uses_write_calls() const { return uses_write_calls_; }

  // Writes `count` bytes of the data area at `place` to the file; false if that failed.
  bool write_back(uint64_t place, uint64_t count) noexcept;

  // Makes the pages of [place, place + count) present and writable; false if the kernel cannot
  // (before 5.14).
  bool populate(uint64_t place, uint64_t count) noexcept;

  // Unlinks the file, syncs the directory, gives up the lock. Throws Error(io), the lock given up
  // nevertheless.
  void remove();
  // Unmaps the file and gives up the lock; safe to call again.
  void close() noexcept;

  void abandon_in_child() noexcept;

 private:
  void make(const std::filesystem::path& directory, const std::array<unsigned char, 16>& id);
  void map();

  std::filesystem::path path_;
  uint64_t data_bytes_;
  UniqueFd file_;
  LockFd lock_;
  char* data_ = nullptr;
  bool uses_write_calls_ = false;
};

}  // namespace aimlog

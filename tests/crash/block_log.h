// The log of all writes to a disk, as QEMU's driver blklogwrites keeps it: how long it is now.
//
// Layout (Linux, drivers/md/dm-log-writes.c), little-endian; block_log.py reads the entries:
//   offset  0  u64  magic 0x6a736677736872
//   offset  8  u64  version, 1
//   offset 16  u64  count of entries
#pragma once

#include <cstdint>
#include <string>

namespace crash {

class BlockLog {
 public:
  // Not open if the path is empty.
  explicit BlockLog(const std::string& path);
  ~BlockLog();
  BlockLog(const BlockLog&) = delete;
  BlockLog& operator=(const BlockLog&) = delete;

  bool is_open() const { return header_ != nullptr; }
  std::uint32_t entries() const;

 private:
  struct Header;
  Header* header_ = nullptr;
};

}  // namespace crash

// File calls that fail on demand: the seam of plugin/base/file.h, seen from the tests' side.
#pragma once

#include <cstdint>

namespace aimlog::test {

// While one lives, the system calls behind plugin/base/file.h go through it. One at a time, one
// thread.
class FaultyFile {
 public:
  FaultyFile();
  ~FaultyFile();
  FaultyFile(const FaultyFile&) = delete;
  FaultyFile& operator=(const FaultyFile&) = delete;

  // The `nth` call from now on (from 1) fails with this errno; the ones after it do not.
  void fail_call(uint64_t nth, int error_number);
  // Every allocation fails with this errno.
  void fail_allocations(int error_number);
  // Every write beyond this many bytes of them all fails with ENOSPC, after a short one where that
  // comes in between.
  void limit_writes(uint64_t bytes);
  // Reads of this range of any file fail with EIO.
  void break_sector(uint64_t begin, uint64_t end);
  // Each call is first interrupted once, and transfers are cut to a few bytes.
  void interrupt_and_shorten();
  // statfs says so.
  void pretend_copy_on_write();

  uint64_t calls() const;
};

}  // namespace aimlog::test

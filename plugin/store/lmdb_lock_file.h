// LMDB's lock.mdb, which it maps and stores into. LMDB makes it with holes, and on a full disk a
// store into a hole ends the process. So the file gets its blocks before LMDB opens it.
#pragma once

#include <cstdint>
#include <filesystem>

namespace aimlog {

// How long LMDB makes it for that many readers; a test compares it with what LMDB does.
uint64_t lock_file_bytes(unsigned readers);

// Makes the file where there is none, and gives it all its blocks. Not while this process has it
// open: closing it once drops LMDB's locks. What stands in it stays. Throws Error(no_space); but a
// reader (not `may_write`) goes on with a file that is long enough.
void allocate_lock_file(const std::filesystem::path& file, bool may_write);

}  // namespace aimlog

// A repo for harnesses, in memory where the system has such a place, made once.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <memory>

#include "plugin/store/environment.h"
#include "tests/support/temp_dir.h"

namespace aimlog::test {

inline void prefer_memory() {
  const char* const memory = "/dev/shm";
  std::error_code ignored;
  if (std::filesystem::is_directory(memory, ignored)) setenv("TMPDIR", memory, 0);
}

// The one repo of this process; empty, as whoever writes into it never commits.
inline Environment& empty_store() {
  prefer_memory();
  static const TempDir directory;
  static const std::shared_ptr<Environment> environment =
      Environment::open(directory.path(), OpenMode::create);
  return *environment;
}

}  // namespace aimlog::test

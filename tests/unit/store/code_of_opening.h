// Why a repo is not opened.
#pragma once

#include <filesystem>

#include "plugin/base/error.h"
#include "plugin/store/environment.h"

namespace aimlog::test {

// The code of the error; unknown where it is opened.
inline ErrorCode code_of_opening(const std::filesystem::path& directory, OpenMode mode) {
  try {
    Environment::open(directory, mode);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::unknown;
}

}  // namespace aimlog::test

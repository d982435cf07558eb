// A run of an Aim repo whose databases could not be read.
#pragma once

#include <string>

#include "plugin/base/error.h"

namespace aimlog::aim {

// Whether a database stays as unreadable as it is: it lacks a part, or its bytes are wrong. All
// else (permissions, too many open files, a disk that does not answer) may pass, and what people
// did in Aim may still be there.
inline bool is_damage(const Error& error) {
  return error.code() == ErrorCode::corrupt || error.code() == ErrorCode::not_found;
}

struct UnreadRun {
  UnreadRun(std::string run, const Error& error)
      : hash(std::move(run)), why(error.what()), is_damaged(is_damage(error)) {}
  std::string hash;
  std::string why;
  bool is_damaged;
};

}  // namespace aimlog::aim

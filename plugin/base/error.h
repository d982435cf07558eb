// Errors inside the plugin and the command: one exception type for "cannot go on".
// What may happen in the normal course (a torn record, a name not found) is a return value instead.
#pragma once

#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>

namespace aimlog {

enum class ErrorCode : int32_t {
  unknown,
  invalid_argument,  // a mistake of the caller
  invalid_config,    // the user's configuration; the text says file, line, column and key
  io,                // the operating system said no
  no_space,          // ENOSPC, EDQUOT, EFBIG
  corrupt,           // bytes that cannot be what was written
  too_new,           // written by a later version
  unsupported,       // a file system or system that cannot carry us
  not_found,
  busy,      // somebody else holds it
  internal,  // a mistake of ours
};

// The text is for people: what failed, on which file, and what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message, int error_number = 0)
      : std::runtime_error(message), code_(code), error_number_(error_number) {}
  ErrorCode code() const { return code_; }
  // What errno said, of system_error(); else 0.
  int error_number() const { return error_number_; }

 private:
  ErrorCode code_;
  int error_number_;
};

// An Error from errno: "cannot open /x/y: Permission denied". ENOSPC and its kin become no_space.
[[nodiscard]] Error system_error(const std::string& what, int error_number);

// A broken invariant is an internal error, never an abort: we live in somebody else's process.
#define AIMLOG_CHECK(condition)                                                                    \
  do {                                                                                             \
    if (!(condition))                                                                              \
      throw ::aimlog::Error(::aimlog::ErrorCode::internal, std::string(__FILE__) + ":" +           \
                                                               std::to_string(__LINE__) +          \
                                                               ": broken invariant: " #condition); \
  } while (false)

// Keeps what an error says; nothing of it where there is no memory for that.
inline void keep_text(std::string& kept, const char* text) noexcept {
  try {
    kept = text;
  } catch (const std::bad_alloc&) {
    kept.clear();
  }
}

}  // namespace aimlog

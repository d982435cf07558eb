#include "plugin/base/error.h"

#include <cerrno>
#include <system_error>

namespace aimlog {

Error system_error(const std::string& what, int error_number) {
  const bool full = error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;
  return Error(full ? ErrorCode::no_space : ErrorCode::io,
               what + ": " + std::generic_category().message(error_number), error_number);
}

}  // namespace aimlog

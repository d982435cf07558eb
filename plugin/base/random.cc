#include "plugin/base/random.h"

#include <sys/random.h>

#include <cerrno>

#include "plugin/base/error.h"

namespace aimlog {

std::array<unsigned char, 16> random_128() {
  std::array<unsigned char, 16> bytes;
  ssize_t got;
  do {
    got = getrandom(bytes.data(), bytes.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(bytes.size()))
    throw system_error("cannot get random bytes", errno);
  return bytes;
}

}  // namespace aimlog

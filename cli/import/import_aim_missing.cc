#include "cli/failure.h"
#include "cli/import/import_aim.h"

namespace aimlog::cli {

int import_aim(const Args&) {
  throw Failure(
      exit_error,
      "this aimlog was built without support for Aim repos; install librocksdb-dev and "
      "libsqlite3-dev (on Debian and Ubuntu), then build it again with meson's -Daim=enabled");
}

}  // namespace aimlog::cli

#include "cli/export/export_aim.h"
#include "cli/failure.h"

namespace aimlog::cli {

bool can_export_aim() { return false; }

int export_aim(const Args&) {
  throw Failure(
      exit_error,
      "this aimlog was built without support for Aim repos; install librocksdb-dev and "
      "libsqlite3-dev (on Debian and Ubuntu), then build it again with meson's -Daim=enabled");
}

}  // namespace aimlog::cli

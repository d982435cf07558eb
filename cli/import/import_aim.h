// `aimlog import --from aim DIR`: runs out of an Aim repo. A build without librocksdb has another
// file behind this header, which says what to install.
#pragma once

#include "cli/args/args.h"

namespace aimlog::cli {

int import_aim(const Args& args);  // returns an exit code

}  // namespace aimlog::cli

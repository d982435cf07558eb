// `aimlog export --format aim`: our runs into an Aim repo. A build without librocksdb has another
// file behind this header, which says what to install.
#pragma once

#include "cli/args/args.h"

namespace aimlog::cli {

int export_aim(const Args& args);  // returns an exit code
bool can_export_aim();             // whether this build can

}  // namespace aimlog::cli

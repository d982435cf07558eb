// `aimlog export --format aim --follow`: keeps an Aim repo up to date with a repo of ours that
// others are writing.
#pragma once

#include "cli/aim/publisher.h"
#include "cli/args/args.h"
#include "cli/export/aim_choice.h"

namespace aimlog::cli {

int follow_aim(const Args& args, AimChoice& choice, const aim::AimPaths& paths);

// Takes away what a follower that was killed left, by which Aim would take its runs for live. Under
// the publisher's lock.
void clear_left_marks(aim::Publisher& publisher, const aim::AimPaths& paths);

}  // namespace aimlog::cli

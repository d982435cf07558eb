// The table of functions behind the entry: thunks that are dull. Each turns the handle into an
// Instance, checks the event's size, and calls one method; guard() turns exceptions into statuses.
#pragma once

#include "abi/include/tuner_plugin.h"

namespace aimlog {

extern const tuner_plugin plugin_table;

}  // namespace aimlog

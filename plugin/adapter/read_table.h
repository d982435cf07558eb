// The extension "aimlog.read/1".
#pragma once

#include "abi/extensions/aimlog_read.h"

namespace aimlog {

extern const aimlog_read read_table;

}  // namespace aimlog

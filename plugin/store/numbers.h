// Numbers under which the store's rows go.
#pragma once

#include <cstdint>

namespace aimlog {

// Dense numbers local to a repo, from 1; 0 = none.
using ExperimentNumber = uint32_t;
using JobNumber = uint32_t;
using RunNumber = uint32_t;
using JournalNumber = uint32_t;  // in the order in which journals were first applied
using NameId = uint32_t;
using ContextId = uint32_t;  // 0 = no context
using ShapeNumber = uint32_t;

}  // namespace aimlog

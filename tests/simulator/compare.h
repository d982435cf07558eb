// A repo and the model, side by side.
#pragma once

#include "plugin/store/environment.h"
#include "tests/simulator/model.h"

namespace aimlog::sim {

// Throws Broken where they differ. `spare_losses`: so many more records may be reported as damaged
// than are missing (a torn mark at the ring's end counts as one).
void compare(Environment& environment, const Model& model, uint64_t spare_losses);

}  // namespace aimlog::sim

// Stops a piece of code behind any of its machine instructions.
#pragma once

#include <cstdint>
#include <functional>

namespace aimlog::sim {

// Runs `code`, and `action` in the middle of it, once so many instructions are done (never if there
// are fewer). `in_own_code`: only where an instruction of this program is next and not one of a
// library, so that no lock of malloc's is held. Where the processor cannot do it, `action` is not
// called.
void run_interrupted(uint64_t instructions, bool in_own_code, const std::function<void()>& code,
                     const std::function<void()>& action);

}  // namespace aimlog::sim

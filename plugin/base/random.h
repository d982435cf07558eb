// Random ids from the kernel.
#pragma once

#include <array>
#include <cstdint>

namespace aimlog {

// 128 random bits. Throws Error(io) if the kernel has none to give.
std::array<unsigned char, 16> random_128();

}  // namespace aimlog

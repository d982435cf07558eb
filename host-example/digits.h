// The handwritten digits that the tuner learns to read.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace example {

constexpr int pixel_count = 64;
constexpr int class_count = 10;

struct Digit {
  std::array<float, pixel_count> pixels;  // 0 (blank) to 1 (full)
  int label = 0;
};

// Split once by the seed, then only read: the training threads share it.
struct Digits {
  std::vector<Digit> train;
  std::vector<Digit> validation;
};

// Reads a file of lines "p0,...,p63,label", shuffles, and keeps a fifth for validation. Throws
// std::runtime_error with the line number if the file is not such a file.
Digits load_digits(const std::string& path, std::uint64_t seed);

// The file beside the program's sources, or the installed one.
std::string default_digits_path();

}  // namespace example

// SPDX-License-Identifier: Apache-2.0
#include "host-example/digits.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "host-example/random.h"

namespace example {
namespace {

Digit parse_line(const std::string& line, const std::string& where) {
  Digit digit;
  std::istringstream fields(line);
  char comma = ',';
  for (float& pixel : digit.pixels) {
    int level = -1;
    if (!(fields >> level >> comma) || comma != ',' || level < 0 || level > 16) {
      throw std::runtime_error(where + ": expected 64 pixels from 0 to 16 and a digit");
    }
    pixel = static_cast<float>(level) / 16.0f;
  }
  if (!(fields >> digit.label) || digit.label < 0 || digit.label >= class_count) {
    throw std::runtime_error(where + ": the last number must be a digit from 0 to 9");
  }
  return digit;
}

void shuffle(std::vector<Digit>& digits, std::uint64_t seed) {
  Random random({seed, 0x5917});
  for (std::size_t i = digits.size(); i > 1; --i) {
    std::swap(digits[i - 1], digits[random.below(i)]);
  }
}

}  // namespace

Digits load_digits(const std::string& path, std::uint64_t seed) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read the digits in " + path);
  std::vector<Digit> all;
  std::string line;
  while (std::getline(file, line)) {
    if (line.empty()) continue;
    all.push_back(parse_line(line, path + ":" + std::to_string(all.size() + 1)));
  }
  if (all.size() < 50) throw std::runtime_error(path + ": too few digits to learn from");
  shuffle(all, seed);
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 5);
  return Digits{{middle, all.end()}, {all.begin(), middle}};
}

std::string default_digits_path() {
  const std::string beside_sources = DIGITS_SOURCE_PATH;
  return std::filesystem::exists(beside_sources) ? beside_sources : DIGITS_INSTALLED_PATH;
}

}  // namespace example

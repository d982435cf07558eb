// What a hostile host gives to a plugin, made from a fuzzing input: structs of wrong sizes, trees
// of any shape, texts that are none. Every piece lies in memory of exactly its size, so that a
// sanitizer sees who reads or writes behind it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "abi/include/tuner_plugin.hpp"
#include "tests/fuzz/fuzz_input.h"

namespace aimlog::test {

class HostileHost {
 public:
  explicit HostileHost(FuzzInput& input) : input_(input) {}

  void* block(size_t bytes) {
    blocks_.push_back(std::make_unique<char[]>(bytes));
    return blocks_.back().get();
  }
  // All that was given so far is gone: who kept a pointer is seen.
  void forget() {
    blocks_.clear();
    nodes_left_ = nodes_max;
  }

  tuner_string copy(std::string_view text);
  tuner_string text();

  // The struct as a host of some version would give it. `is_good` says whether it must be accepted.
  template <typename T>
  T* growable(const T& whole, bool& is_good) {
    size_t bytes = sizeof(T);
    size_t said = bytes;
    switch (input_.byte() % 32) {
      case 1:
        is_good = false;
        return nullptr;
      case 2:
        said = 0;
        bytes = sizeof(uint32_t);
        break;
      case 3:
        said = input_.number<uint16_t>() % sizeof(T);
        bytes = std::max(said, sizeof(uint32_t));
        break;
      case 4:
        said = bytes = sizeof(T) + 1 + input_.byte();
        break;
      default:
        break;
    }
    is_good = is_good && said >= sizeof(T);
    auto* made = static_cast<char*>(block(bytes));
    std::memset(made, 0xA5, bytes);
    std::memcpy(made, &whole, std::min(bytes, sizeof(T)));
    const auto size = static_cast<uint32_t>(said);
    std::memcpy(made, &size, sizeof size);
    return reinterpret_cast<T*>(made);
  }

  tuner_value value(unsigned depth = 0);
  // Mostly a map.
  const tuner_value* tree(bool& is_map);

 private:
  static constexpr size_t nodes_max = 4000;

  tuner_value map(unsigned depth = 0);
  size_t children(unsigned depth);
  void fill_list(tuner_value& value, unsigned depth);
  void fill_map(tuner_value& value, unsigned depth);

  FuzzInput& input_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t nodes_left_ = nodes_max;
};

}  // namespace aimlog::test

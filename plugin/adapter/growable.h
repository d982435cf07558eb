// Convention 1 of the ABI: structs that either side may know a newer form of.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>

#include "abi/include/tuner_plugin.h"
#include "plugin/base/error.h"

namespace aimlog {

// A copy of the caller's struct in our form: fields that it did not know are zero. Refuses NULL and
// sizes below the struct's in ABI version 1, which is the one compiled in here.
template <typename T>
T read_growable(const T* given, const char* name) {
  if (given == nullptr) {
    throw Error(ErrorCode::invalid_argument, std::string(name) + " is NULL");
  }
  if (given->size < sizeof(T)) {
    throw Error(ErrorCode::invalid_argument,
                std::string(name) + " says its size is " + std::to_string(given->size) +
                    " bytes; ABI version 1 has " + std::to_string(sizeof(T)));
  }
  T copy{};
  std::memcpy(&copy, given, std::min<size_t>(given->size, sizeof(T)));
  return copy;
}

}  // namespace aimlog

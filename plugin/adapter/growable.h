// Convention 1 of the ABI: structs that either side may know a newer form of.
#pragma once

#include <string>

#include "abi/include/tuner_plugin.h"
#include "plugin/base/error.h"

namespace aimlog {

[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_growable(const char* name,
                                                                   const uint32_t* size,
                                                                   size_t size_in_version_1) {
  if (size == nullptr) throw Error(ErrorCode::invalid_argument, std::string(name) + " is NULL");
  throw Error(ErrorCode::invalid_argument,
              std::string(name) + " says its size is " + std::to_string(*size) +
                  " bytes; ABI version 1 has " + std::to_string(size_in_version_1));
}

// The caller's struct, which has all that ours has. Refuses NULL and sizes below the struct's in
// ABI version 1, which is the one compiled in here: so it need not be copied into a longer one.
template <typename T>
const T& read_growable(const T* given, const char* name) {
  if (given == nullptr) refuse_growable(name, nullptr, sizeof(T));
  if (given->size < sizeof(T)) refuse_growable(name, &given->size, sizeof(T));
  return *given;
}

}  // namespace aimlog

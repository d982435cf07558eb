// Aim's own hashes: the id of a context, the key of a step.
#pragma once

#include <cstdint>

#include "plugin/model/value.h"

namespace aimlog::aim {

int64_t hash_value(const Value& value);
int64_t hash_number(double number);
// A step is hashed as a double, as Aim does: from 2^53 on neighbours may share a key.
inline int64_t step_key(int64_t step) { return hash_number(static_cast<double>(step)); }

}  // namespace aimlog::aim

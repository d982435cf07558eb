// Payloads of journal records from a fuzzing input.
#pragma once

#include <iterator>

#include "plugin/base/error.h"
#include "plugin/model/event_codec.h"

namespace aimlog::test {

// Events of different trials and shapes meet only if they agree in hashes, which no mutation
// would hit: so these are taken from a few.
inline const TrialKey& some_trial(size_t which) {
  static const TrialKey keys[] = {trial_key("t1"), trial_key("t2"), trial_key("")};
  return keys[which % std::size(keys)];
}

inline const Hash128& some_shape(size_t which) {
  static const Hash128 hashes[] = {shape_hash({}, {"loss"}), shape_hash({}, {"loss", "acc"})};
  return hashes[which % std::size(hashes)];
}

// The payload with such hashes in it; as it is where it cannot be decoded.
inline Bytes made_to_meet(EventType type, ByteView payload, size_t which) {
  try {
    Event event = decode_event(type, payload);
    std::visit(
        [&](auto& e) {
          if constexpr (requires { e.trial; }) e.trial = some_trial(which);
          if constexpr (requires { e.shape; }) e.shape = some_shape(which / 4);
          if constexpr (requires { e.hash; }) e.hash = some_shape(which / 4);
        },
        event);
    Bytes bytes;
    append_event(bytes, event);
    return bytes;
  } catch (const Error&) {
    return Bytes(payload);
  }
}

}  // namespace aimlog::test

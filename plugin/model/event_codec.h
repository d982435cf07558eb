// Events to bytes and back. A record's type says which event its payload holds. The fields of an
// event never change: a new field comes with an event of a new type, and this one stays, so that a
// ring left behind by an older version is still read.
#pragma once

#include "plugin/base/bytes.h"
#include "plugin/model/event.h"

namespace aimlog {

EventType event_type(const Event& event);

// Appends the payload of `event` to `out`.
void append_event(Bytes& out, const Event& event);

// Throws Error(corrupt) for damaged payloads and Error(too_new) for types that this version does
// not know. Views in the result point into `payload`.
Event decode_event(EventType type, ByteView payload);

// A result's payload begins with these, then come the bytes of result_codec.h.
inline constexpr size_t result_prefix_bytes = sizeof(TrialKey) + sizeof(Hash128);

}  // namespace aimlog

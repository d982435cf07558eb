// What get_state hands to the host and set_state takes back: whose job this is. Ids only, never
// positions or pointers.
//
//   "AIMLOGST", u32 format (1), u32 length of what follows up to the checksum, fields, u32 crc32c
//   of all before.
#pragma once

#include <optional>
#include <string>

#include "plugin/base/bytes.h"
#include "plugin/model/ids.h"

namespace aimlog {

struct SessionState {
  JobToken token{};
  std::string experiment;
  std::string job_id;  // the host's
  bool operator==(const SessionState&) const = default;
};

inline constexpr size_t session_state_bytes_max = 64 * 1024;

Bytes encode_session_state(const SessionState& state);

// Throws Error(corrupt) for anything that is not a whole state of ours, Error(too_new) for a later
// format.
SessionState decode_session_state(ByteView bytes);

}  // namespace aimlog

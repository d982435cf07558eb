// Bytes as a saved state. The first one says whether they are taken as they are, or as the fields
// of a state whose frame is right, so that what is behind the checksum is reached too.
#include <cstdint>
#include <cstdlib>

#include "plugin/base/crc32c.h"
#include "plugin/base/error.h"
#include "plugin/tracker/session_state.h"

namespace {

using namespace aimlog;

Bytes framed(ByteView fields) {
  Bytes state = "AIMLOGST";
  append_fixed(state, uint32_t{1});
  append_fixed(state, static_cast<uint32_t>(fields.size()));
  state += fields;
  append_fixed(state, crc32c(0, state.data(), state.size()));
  return state;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteView rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Bytes bytes = data[0] % 2 == 0 ? Bytes(rest) : framed(rest);
  try {
    const SessionState state = decode_session_state(bytes);
    if (decode_session_state(encode_session_state(state)) != state) std::abort();
  } catch (const Error& error) {
    const bool expected = error.code() == ErrorCode::corrupt || error.code() == ErrorCode::too_new;
    if (!expected) std::abort();
  }
  return 0;
}

#include "plugin/tracker/session_state.h"

#include "plugin/base/crc32c.h"

namespace aimlog {
namespace {

constexpr ByteView magic = "AIMLOGST";
constexpr uint32_t format = 1;

}  // namespace

Bytes encode_session_state(const SessionState& state) {
  Bytes fields(reinterpret_cast<const char*>(state.token.data()), state.token.size());
  append_string(fields, state.experiment);
  append_string(fields, state.job_id);
  Bytes out(magic);
  append_fixed(out, format);
  append_fixed(out, static_cast<uint32_t>(fields.size()));
  out += fields;
  append_fixed(out, crc32c(0, out.data(), out.size()));
  return out;
}

SessionState decode_session_state(ByteView bytes) {
  if (bytes.empty()) throw Error(ErrorCode::corrupt, "the state is empty");
  if (bytes.substr(0, magic.size()) != magic) {
    throw Error(ErrorCode::corrupt,
                "this is not a state of aimlog: it does not begin with AIMLOGST");
  }
  ByteReader reader(bytes, "state");
  reader.take(magic.size());
  const auto version = reader.fixed<uint32_t>();
  if (version > format) {
    throw Error(ErrorCode::too_new, "the state has format " + std::to_string(version) +
                                        "; this version of aimlog reads up to " +
                                        std::to_string(format));
  }
  const auto length = reader.fixed<uint32_t>();
  ByteReader fields(reader.take(length), "state");
  const uint32_t expected = crc32c(0, bytes.data(), reader.position());
  if (reader.fixed<uint32_t>() != expected) reader.fail("its checksum is wrong");
  reader.expect_end();
  SessionState state;
  std::memcpy(state.token.data(), fields.take(state.token.size()).data(), state.token.size());
  state.experiment = fields.string();
  state.job_id = fields.string();
  return state;
}

}  // namespace aimlog

// Writing to a host's stream, which may take less than it is given.
#pragma once

#include <string>

#include "abi/include/tuner_plugin.h"
#include "plugin/base/bytes.h"

namespace aimlog {

// `what` names the call in error texts. Throws Error(io) if the stream takes nothing.
inline void write_stream(const tuner_output_stream& out, ByteView bytes, const std::string& what) {
  if (out.write == nullptr) {
    throw Error(ErrorCode::invalid_argument, what + ": write is NULL");
  }
  while (!bytes.empty()) {
    const int64_t taken = out.write(out.stream_data, bytes.data(), bytes.size());
    if (taken <= 0 || static_cast<uint64_t>(taken) > bytes.size()) {
      throw Error(ErrorCode::io, what + ": the host's stream took nothing");
    }
    bytes.remove_prefix(static_cast<size_t>(taken));
  }
}

}  // namespace aimlog

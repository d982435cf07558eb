// BLAKE2b (RFC 7693) as Aim uses it for context ids and step keys: 8 bytes of digest, a salt, no
// key.
#pragma once

#include <cstdint>

#include "plugin/base/bytes.h"

namespace aimlog::aim {

// `salt` is padded with zeros to BLAKE2b's 16 bytes; the digest is read as a little-endian number.
int64_t blake2b_64(int64_t salt, ByteView bytes);

}  // namespace aimlog::aim

// MD5 (RFC 1321): Aim knows by it whether the index holds a run as it is now.
#pragma once

#include "plugin/base/bytes.h"

namespace aimlog::aim {

std::string md5_hex(ByteView bytes);

}  // namespace aimlog::aim

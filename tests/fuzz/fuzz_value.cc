// Bytes as a value: decoded, and encoded again, they are the same value.
#include <cstdint>
#include <cstdlib>

#include "plugin/base/error.h"
#include "plugin/model/value.h"

// Whether check_value() takes it.
static bool is_sound(aimlog::ByteView bytes) {
  try {
    aimlog::check_value(bytes);
    return true;
  } catch (const aimlog::Error&) {
    return false;
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const aimlog::ByteView bytes(reinterpret_cast<const char*>(data), size);
  try {
    const aimlog::Value value = aimlog::decode_value(bytes);
    if (!is_sound(bytes)) std::abort();
    aimlog::Bytes again;
    aimlog::append_value(again, value);
    if (aimlog::decode_value(again) != value) std::abort();
    if (const aimlog::ValueMap* map = value.map()) aimlog::flatten(*map);
  } catch (const aimlog::Error& error) {
    if (error.code() != aimlog::ErrorCode::corrupt || is_sound(bytes)) std::abort();
  }
  return 0;
}

// Bytes as a value: decoded, and encoded again, they are the same value.
#include <cstdint>
#include <cstdlib>

#include "plugin/model/value.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const aimlog::Value value = aimlog::decode_value({reinterpret_cast<const char*>(data), size});
    aimlog::Bytes again;
    aimlog::append_value(again, value);
    if (aimlog::decode_value(again) != value) std::abort();
    if (const aimlog::ValueMap* map = value.map()) aimlog::flatten(*map);
  } catch (const aimlog::Error& error) {
    if (error.code() != aimlog::ErrorCode::corrupt) std::abort();
  }
  return 0;
}

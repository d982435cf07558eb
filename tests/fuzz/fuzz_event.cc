// The first two bytes are a record's type, the others its payload.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "plugin/base/error.h"
#include "plugin/model/event_codec.h"
#include "plugin/model/result_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  uint16_t type = 0;
  if (size < sizeof type) return 0;
  std::memcpy(&type, data, sizeof type);
  const aimlog::ByteView payload(reinterpret_cast<const char*>(data) + sizeof type,
                                 size - sizeof type);
  try {
    const aimlog::Event event = aimlog::decode_event(static_cast<aimlog::EventType>(type), payload);
    aimlog::Bytes once;
    aimlog::append_event(once, event);
    aimlog::Bytes twice;
    aimlog::append_event(twice, aimlog::decode_event(static_cast<aimlog::EventType>(type), once));
    if (once != twice) std::abort();
    if (const auto* result = std::get_if<aimlog::ResultEvent>(&event)) {
      aimlog::ResultView view;
      aimlog::decode_result(result->result, view);
      if (view.numbers.size() != view.objects.size()) std::abort();
    }
  } catch (const aimlog::Error& error) {
    const bool expected =
        error.code() == aimlog::ErrorCode::corrupt || error.code() == aimlog::ErrorCode::too_new;
    if (!expected) std::abort();
  }
  return 0;
}

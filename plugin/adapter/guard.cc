#include "plugin/adapter/guard.h"

#include <cstring>

#include "plugin/base/utf8.h"

namespace aimlog {

void write_error(tuner_error* sink, std::string_view text) noexcept {
  if (sink == nullptr || sink->size < sizeof(tuner_error)) return;
  const size_t capacity = sink->text == nullptr ? 0 : sink->capacity;
  const std::string_view fitting = cut_utf8(text, capacity);
  if (!fitting.empty()) std::memcpy(sink->text, fitting.data(), fitting.size());
  sink->length = static_cast<uint32_t>(fitting.size());
  sink->full_length = static_cast<uint32_t>(text.size());
}

tuner_status status_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
      return TUNER_INVALID_ARGUMENT;
    case ErrorCode::invalid_config:
    case ErrorCode::too_new:
    case ErrorCode::unsupported:
    case ErrorCode::not_found:
      return TUNER_INVALID_CONFIG;
    case ErrorCode::busy:
      return TUNER_WRONG_STATE;
    case ErrorCode::io:
    case ErrorCode::no_space:
    case ErrorCode::corrupt:
      return TUNER_IO_ERROR;
    case ErrorCode::internal:
      return TUNER_INTERNAL;
    case ErrorCode::unknown:
      break;
  }
  return TUNER_UNKNOWN;
}

}  // namespace aimlog

// Exceptions to statuses and texts: nothing of ours ever crosses into the host.
#pragma once

#include <cstdint>
#include <exception>
#include <new>
#include <string_view>

#include "abi/include/tuner_plugin.h"
#include "plugin/base/error.h"

namespace aimlog {

// Writes a text into the host's sink, cut at a UTF-8 boundary. Does nothing for NULL or a sink of a
// size that we do not know.
[[gnu::cold]] void write_error(tuner_error* sink, std::string_view text) noexcept;
inline void clear_error(tuner_error* sink) noexcept {
  if (sink == nullptr || sink->size < sizeof(tuner_error)) return;
  sink->length = 0;
  sink->full_length = 0;
}

tuner_status status_of(ErrorCode code) noexcept;

// Runs `work`, which returns a status.
template <typename Work>
tuner_status guard(tuner_error* sink, Work&& work) noexcept {
  try {
    clear_error(sink);
    return work();
  } catch (const Error& error) {
    write_error(sink, error.what());
    return status_of(error.code());
  } catch (const std::bad_alloc&) {
    write_error(sink, "out of memory");
    return TUNER_OUT_OF_MEMORY;
  } catch (const std::exception& error) {
    write_error(sink, error.what());
    return TUNER_INTERNAL;
  } catch (...) {
    write_error(sink, "an unknown exception");
    return TUNER_INTERNAL;
  }
}

}  // namespace aimlog

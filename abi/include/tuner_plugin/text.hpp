// Strings, statuses and the texts that go with them.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

#include "structs.hpp"

namespace tuner {

inline tuner_string text(std::string_view view) noexcept { return {view.data(), view.size()}; }

inline std::string_view view(tuner_string text) noexcept {
  if (text.data == nullptr) return {};
  return {text.data, static_cast<size_t>(text.length)};
}

inline const char* status_name(tuner_status status) noexcept {
  switch (status) {
    case TUNER_OK:
      return "ok";
    case TUNER_DROPPED:
      return "dropped";
    case TUNER_NOT_DURABLE:
      return "not durable";
    case TUNER_INVALID_ARGUMENT:
      return "invalid argument";
    case TUNER_UNSUPPORTED_VERSION:
      return "unsupported version";
    case TUNER_INVALID_CONFIG:
      return "invalid configuration";
    case TUNER_WRONG_STATE:
      return "wrong state";
    case TUNER_INVALID_STATE:
      return "invalid state";
    case TUNER_IO_ERROR:
      return "input/output error";
    case TUNER_INERT:
      return "inert";
    case TUNER_UNIMPLEMENTED:
      return "unimplemented";
    case TUNER_OUT_OF_MEMORY:
      return "out of memory";
    case TUNER_INTERNAL:
      return "internal error";
    default:
      return "unknown";
  }
}

// Remarks (positive) are not errors.
inline bool is_error(tuner_status status) noexcept { return status < 0; }

// A status with its text, as an exception. It never crosses the contract: Plugin throws it to the
// host that uses Plugin; a plugin's method throws it to the thunk of PluginBase, which makes a
// status of it.
class PluginError : public std::runtime_error {
 public:
  PluginError(tuner_status status, const std::string& what)
      : std::runtime_error(what), status_(status) {}
  tuner_status status() const noexcept { return status_; }

 private:
  tuner_status status_;
};

// For hosts: owns a buffer into which a plugin writes a text. Pass it wherever a tuner_error* is
// asked for. It points into itself, and so is neither copied nor moved.
class ErrorText {
 public:
  ErrorText() noexcept : error_(make<tuner_error>()) {
    error_.capacity = static_cast<uint32_t>(sizeof buffer_);
    error_.text = buffer_;
  }
  ErrorText(const ErrorText&) = delete;
  ErrorText& operator=(const ErrorText&) = delete;

  operator tuner_error*() noexcept { return &error_; }

  // What the last call had to say; "" if nothing. Valid until the next call.
  std::string_view view() const noexcept {
    return {buffer_, error_.length < sizeof buffer_ ? error_.length : sizeof buffer_};
  }
  std::string str() const { return std::string(view()); }
  void clear() noexcept { error_.length = error_.full_length = 0; }

 private:
  tuner_error error_;
  char buffer_[2048];
};

// For plugins: writes a text into the host's sink, cut between two characters if it does not fit.
inline void write_error(tuner_error* error, std::string_view text) noexcept {
  if (error == nullptr || error->size < LeastSize<tuner_error>::value) return;
  size_t length = text.size();
  if (error->text == nullptr) {
    length = 0;
  } else if (length > error->capacity) {
    length = error->capacity;
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0u) == 0x80u) --length;
  }
  if (length > 0) std::memcpy(error->text, text.data(), length);
  error->length = static_cast<uint32_t>(length);
  error->full_length = static_cast<uint32_t>(text.size());
}

}  // namespace tuner

// State streams over strings (for hosts), and whole states through streams (for plugins).
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "text.hpp"

namespace tuner {

// For hosts: get_state writes into a string, which is emptied first and must outlive the stream.
class StringWriter {
 public:
  explicit StringWriter(std::string& to) : stream_(make<tuner_output_stream>()) {
    to.clear();
    stream_.stream_data = &to;
    stream_.write = write;
  }
  StringWriter(const StringWriter&) = delete;
  StringWriter& operator=(const StringWriter&) = delete;
  const tuner_output_stream& stream() const noexcept { return stream_; }

 private:
  static int64_t TUNER_CALL write(void* data, const void* bytes, uint64_t count) noexcept {
    try {
      static_cast<std::string*>(data)->append(static_cast<const char*>(bytes),
                                              static_cast<size_t>(count));
      return static_cast<int64_t>(count);
    } catch (...) {
      return -1;  // no memory
    }
  }
  tuner_output_stream stream_;
};

// For hosts: set_state reads from bytes that must outlive the stream.
class StringReader {
 public:
  explicit StringReader(std::string_view from) noexcept
      : stream_(make<tuner_input_stream>()), left_(from) {
    stream_.stream_data = this;
    stream_.read = read;
  }
  StringReader(const StringReader&) = delete;
  StringReader& operator=(const StringReader&) = delete;
  const tuner_input_stream& stream() const noexcept { return stream_; }

 private:
  static int64_t TUNER_CALL read(void* data, void* bytes, uint64_t capacity) noexcept {
    auto& left = static_cast<StringReader*>(data)->left_;
    const size_t count = left.size() < capacity ? left.size() : static_cast<size_t>(capacity);
    if (count > 0) std::memcpy(bytes, left.data(), count);
    left.remove_prefix(count);
    return static_cast<int64_t>(count);
  }
  tuner_input_stream stream_;
  std::string_view left_;
};

// For plugins: the whole of a state, in as many pieces as the host takes. Throws
// PluginError(IO_ERROR).
inline void write_all(const tuner_output_stream& stream, std::string_view bytes) {
  if (stream.write == nullptr) throw PluginError(TUNER_INVALID_ARGUMENT, "no function to write to");
  while (!bytes.empty()) {
    const int64_t taken = stream.write(stream.stream_data, bytes.data(), bytes.size());
    if (taken <= 0 || static_cast<uint64_t>(taken) > bytes.size()) {
      throw PluginError(TUNER_IO_ERROR, "the host could not take the state");
    }
    bytes.remove_prefix(static_cast<size_t>(taken));
  }
}

// For plugins: everything up to the end of the stream. More than `bytes_max` is no state of ours
// (INVALID_STATE); a failing stream is IO_ERROR; both are thrown as PluginError.
inline std::string read_all(const tuner_input_stream& stream, size_t bytes_max) {
  if (stream.read == nullptr) throw PluginError(TUNER_INVALID_ARGUMENT, "no function to read from");
  std::string bytes;
  char piece[4096];
  while (true) {
    const int64_t got = stream.read(stream.stream_data, piece, sizeof piece);
    if (got < 0 || static_cast<uint64_t>(got) > sizeof piece) {
      throw PluginError(TUNER_IO_ERROR, "the host could not read the state");
    }
    if (got == 0) return bytes;
    bytes.append(piece, static_cast<size_t>(got));
    if (bytes.size() > bytes_max) {
      throw PluginError(TUNER_INVALID_STATE, "longer than any state of this plugin");
    }
  }
}

}  // namespace tuner

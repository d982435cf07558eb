// The host's borrowed tree to the bytes of model/value.h, within limits: what passes them is
// replaced and counted, never an error.
#pragma once

#include "abi/include/tuner_plugin.h"
#include "plugin/base/bytes.h"
#include "plugin/tracker/counters.h"

namespace aimlog {

// Of one value in a result, and of one entry of params or config.
inline constexpr size_t object_bytes_max = 64 * 1024;

inline std::string_view view(const tuner_string& text) {
  return text.data == nullptr ? std::string_view() : std::string_view(text.data, text.length);
}

// `text` as UTF-8; repaired and counted where it is not.
void append_text(Bytes& out, std::string_view text, Counters& counters);
std::string make_text(std::string_view text, Counters& counters);

// Appends one value. Unknown tags, and nodes too deep or too many, become null; a text longer than
// object_bytes_max is cut; a list or map whose encoding is longer becomes a text that says so.
// Allocates nothing once `out` is large enough, but for maps with many entries.
void encode_value(Bytes& out, const tuner_value& value, Counters& counters);

// A map entry by entry, at most `bytes_max` in all: entries beyond are left out and counted. Empty
// if `value` is NULL or no map.
Bytes encode_map(const tuner_value* value, size_t bytes_max, Counters& counters);

}  // namespace aimlog

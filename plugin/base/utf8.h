// UTF-8: telling good from bad, and mending what is bad.
#pragma once

#include <string>
#include <string_view>

namespace aimlog {

// Whether all of `text` is well-formed UTF-8 (no surrogates, no overlong forms, nothing above
// U+10FFFF).
bool is_utf8(std::string_view text);

// Appends `text` with U+FFFD in the place of each byte that is no part of a well-formed sequence.
void append_repaired_utf8(std::string& out, std::string_view text);

// The longest prefix of at most `bytes_max` bytes that cuts no character in two.
std::string_view cut_utf8(std::string_view text, size_t bytes_max);

}  // namespace aimlog

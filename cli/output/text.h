// Text that is safe to put on a terminal, and how much room it takes there.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace aimlog::cli {

// One character of UTF-8 text. Bytes that are no UTF-8 come one at a time with valid = false.
struct Character {
  char32_t code = 0;
  size_t bytes = 0;
  bool valid = false;
};
Character next_character(std::string_view text);  // of a text that is not empty

// Whether a terminal would act on it rather than show it: controls, marks that turn the direction
// of text, invisible signs.
bool is_hazard(char32_t code);

// Control characters and bytes that are no UTF-8 become \x1b, other hazards \u202e.
std::string safe_text(std::string_view text);

// Columns on a terminal; of text that is safe.
size_t display_width(std::string_view text);

// Cut to at most `width` columns, the last being `…` where something is missing.
std::string shortened(std::string_view text, size_t width);

// Filled up with spaces to `width` columns.
std::string padded(std::string_view text, size_t width, bool right);

}  // namespace aimlog::cli

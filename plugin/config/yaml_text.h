// What must hold for a YAML text before a parser sees it.
#pragma once

#include <string_view>

#include "plugin/config/yaml_tree.h"

namespace aimlog {

std::string_view without_byte_order_mark(std::string_view text);

// Throws YamlMistake for: too long, not UTF-8, control characters (the parser takes one of them for
// the end of the file), a line indented by a tab.
void check_yaml_text(std::string_view text);

// If the indentation of that line has a tab: where. Parsers blame whatever follows it.
bool tab_in_indentation(std::string_view text, size_t line, YamlPlace& tab);

[[noreturn]] void fail_for_tab(YamlPlace tab);

}  // namespace aimlog

#include "plugin/config/yaml_text.h"

#include <algorithm>
#include <cstdio>

#include "plugin/config/character.h"

namespace aimlog {
namespace {

std::string_view line_at(std::string_view text, size_t line) {
  for (; line > 0; --line) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

void check_characters(std::string_view text) {
  YamlPlace place;
  for (size_t at = 0; at < text.size();) {
    const Utf8Character character = next_character(text, at);
    if (!character.valid) {
      throw YamlMistake{place, "the file is not UTF-8; save it in that encoding"};
    }
    const uint32_t code = character.code;
    if (code < 0x20 && code != '\t' && code != '\n' && code != '\r') {
      char what[96];
      std::snprintf(what, sizeof what,
                    "control character U+%04X; in a quoted text it can be written as \\x%02X", code,
                    code);
      throw YamlMistake{place, what};
    }
    at += character.bytes;
    place.column += character.bytes;
    if (code == '\n') place = {place.line + 1, 0};
  }
}

void check_tabs(std::string_view text) {
  for (size_t line = 0; !text.empty(); ++line) {
    const std::string_view content = text.substr(0, text.find('\n'));
    const size_t first = content.find_first_not_of(" \t\r");
    const bool blank = first == std::string_view::npos || content[first] == '#';
    if (!blank && content.front() == '\t') fail_for_tab({line, 0});
    text.remove_prefix(std::min(text.size(), content.size() + 1));
  }
}

}  // namespace

std::string_view without_byte_order_mark(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  return text;
}

void check_yaml_text(std::string_view text) {
  if (text.size() > max_yaml_bytes) throw YamlMistake{{}, "longer than 1 MiB; that is no settings"};
  check_characters(text);
  check_tabs(text);
}

bool tab_in_indentation(std::string_view text, size_t line, YamlPlace& tab) {
  const std::string_view content = line_at(text, line);
  const size_t spaces = content.find_first_not_of(' ');
  if (spaces == std::string_view::npos || content[spaces] != '\t') return false;
  tab = {line, spaces};
  return true;
}

void fail_for_tab(YamlPlace tab) {
  throw YamlMistake{tab, "a tab in the indentation; YAML indents with spaces only"};
}

std::string describe_place(std::string_view text, YamlPlace place) {
  const std::string_view line = line_at(without_byte_order_mark(text), place.line);
  const std::string_view before = line.substr(0, std::min(place.column, line.size()));
  const auto starts_character = [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  };
  const auto column = std::count_if(before.begin(), before.end(), starts_character);
  return std::to_string(place.line + 1) + ":" + std::to_string(column + 1);
}

}  // namespace aimlog

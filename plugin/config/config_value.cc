#include "plugin/config/config_value.h"

#include <algorithm>
#include <cstdio>

#include "plugin/base/error.h"
#include "plugin/config/character.h"
#include "plugin/config/config_path.h"
#include "plugin/config/metric_filter.h"
#include "plugin/config/suggestion.h"

namespace aimlog {
namespace {

constexpr size_t most_list_items = 10'000;

// Reads one value; its errors name the key and end with what would be valid.
class ValueReader {
 public:
  ValueReader(const ConfigKey& key, const std::filesystem::path& base) : key_(key), base_(base) {}

  KeyValue read(const YamlNode& node) const {
    if (node.kind == YamlKind::null) fail_for_null(node);
    KeyValue value;
    switch (key_.kind) {
      case KeyKind::name:
      case KeyKind::prose:
        value.text = text(node);
        break;
      case KeyKind::path:
        value.text = path(node);
        break;
      case KeyKind::name_list:
      case KeyKind::pattern_list:
        value.list = list(node);
        break;
      case KeyKind::milliseconds:
      case KeyKind::size:
        value.number = number(node);
        break;
      case KeyKind::boolean:
        value.number = boolean(node);
        break;
      case KeyKind::choice:
        value.number = choice(node);
        break;
    }
    return value;
  }

 private:
  [[noreturn]] void fail(const YamlNode& node, const std::string& what) const {
    throw ConfigMistake{node.place, std::string(key_.name), what};
  }

  [[noreturn]] void fail_with_valid(const YamlNode& node, const std::string& what) const {
    fail(node, what + "; valid: " + valid_values(key_));
  }

  [[noreturn]] void fail_for_null(const YamlNode& node) const {
    if (key_.kind == KeyKind::path) {
      fail(node,
           "no value (an unquoted ~ or null means nothing in YAML: write \"~\" for the home "
           "directory, or leave the line out)");
    }
    fail_with_valid(node, "no value; leave the line out, or give one");
  }

  const std::string& scalar(const YamlNode& node) const {
    if (node.kind == YamlKind::scalar) return node.text;
    fail_with_valid(node, node.kind == YamlKind::list  ? "a list where one value belongs"
                          : node.kind == YamlKind::map ? "a map where one value belongs (a text "
                                                         "with a colon and a space needs quotes)"
                                                       : "no value");
  }

  std::string text(const YamlNode& node) const {
    const std::string& text = scalar(node);
    if (text.size() > key_.max) {
      fail(node, "longer than " + std::to_string(key_.max) + " bytes");
    }
    check_characters(node, text);
    const bool blank = text.find_first_not_of(" \t\n") == std::string::npos;
    if (blank && key_.kind != KeyKind::prose) fail_with_valid(node, "an empty text");
    return text;
  }

  void check_characters(const YamlNode& node, const std::string& text) const {
    for (const char c : text) {
      const bool control = (c >= 0 && c < 0x20) || c == 0x7f;
      const bool layout = c == '\n' || c == '\t' || c == '\r';
      const bool allowed = key_.kind == KeyKind::pattern_list
                               ? c != 0
                               : !control || (layout && key_.kind == KeyKind::prose);
      if (!allowed) fail(node, in_quotes(text) + " has a control character or a line break");
    }
  }

  std::string path(const YamlNode& node) const {
    try {
      return resolve_path(text(node), base_).string();
    } catch (const Error& error) {
      fail(node, in_quotes(node.text) + ": " + error.what());
    }
  }

  std::vector<std::string> list(const YamlNode& node) const {
    if (node.kind == YamlKind::scalar) return {item(node)};
    if (node.kind != YamlKind::list) fail_with_valid(node, "a map where a list belongs");
    if (node.items.empty() && key_.kind == KeyKind::pattern_list) {
      fail(node,
           "an empty list would record nothing; leave the key out to record every metric, or "
           "write \"!*\" to record none");
    }
    if (node.items.size() > most_list_items) {
      fail(node, "more than " + std::to_string(most_list_items) + " entries");
    }
    std::vector<std::string> result;
    for (const YamlNode& entry : node.items) result.push_back(item(entry));
    return result;
  }

  std::string item(const YamlNode& node) const {
    std::string result = text(node);
    if (key_.kind != KeyKind::pattern_list) return result;
    const std::string error = pattern_error(result);
    if (!error.empty()) fail(node, "bad pattern " + in_quotes(result) + ": " + error);
    return result;
  }

  uint64_t number(const YamlNode& node) const {
    const std::string& text = scalar(node);
    uint64_t result = 0;
    const bool size = key_.kind == KeyKind::size;
    if (size ? !parse_size(text, result) : !parse_whole_number(text, result)) {
      fail_with_valid(node, in_quotes(text) + (size ? " is not a size" : " is not a whole number"));
    }
    if (node.quoted && !size) fail_with_valid(node, "a text; write the number without quotes");
    if (result < key_.min || result > key_.max) {
      fail_with_valid(node, text + " is out of range");
    }
    return result;
  }

  uint64_t boolean(const YamlNode& node) const {
    const std::string& text = scalar(node);
    if (!node.quoted) {
      if (text == "true" || text == "True" || text == "TRUE") return 1;
      if (text == "false" || text == "False" || text == "FALSE") return 0;
    }
    fail_with_valid(node, in_quotes(text) + " is not a truth value");
  }

  uint64_t choice(const YamlNode& node) const {
    const std::string& text = scalar(node);
    const auto found = std::find(key_.choices.begin(), key_.choices.end(), text);
    if (found != key_.choices.end()) return static_cast<uint64_t>(found - key_.choices.begin());
    const std::string near{nearest_word(text, key_.choices)};
    fail_with_valid(node, in_quotes(text) + " is not known" +
                              (near.empty() ? "" : " (did you mean " + near + "?)"));
  }

  const ConfigKey& key_;
  const std::filesystem::path& base_;
};

}  // namespace

std::string in_quotes(std::string_view text) {
  constexpr size_t longest = 60;
  std::string result = "\"";
  for (size_t at = 0; at < text.size();) {
    if (at >= longest) return result + "...\"";
    const Utf8Character character = next_character(text, at);
    if (!character.valid || character.code < 0x20 || character.code == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x",
                    static_cast<unsigned>(static_cast<unsigned char>(text[at])));
      result += escaped;
    } else {
      result += text.substr(at, character.bytes);
    }
    at += character.bytes;
  }
  return result + "\"";
}

KeyValue read_value(const ConfigKey& key, const YamlNode& node, const std::filesystem::path& base) {
  return ValueReader(key, base).read(node);
}

}  // namespace aimlog

// YAML text to a small plain tree, or one clear mistake with its place. Stricter than YAML where
// leniency hides mistakes: one document, no anchors, aliases or tags, no tab indentation, limits
// on size, depth and count. Works on any bytes; uses no stack beyond max_yaml_depth levels.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace aimlog {

inline constexpr size_t max_yaml_bytes = 1 << 20;
inline constexpr size_t max_yaml_depth = 32;
inline constexpr size_t max_yaml_nodes = 100'000;

// From 0, in bytes of the text after a byte order mark.
struct YamlPlace {
  size_t line = 0;
  size_t column = 0;
};

enum class YamlKind { null, scalar, list, map };

struct YamlNode {
  YamlKind kind = YamlKind::null;
  bool quoted = false;          // a scalar in quotes or a block: always a text
  YamlPlace place;              // of the first character
  std::string text;             // of a scalar
  std::vector<YamlNode> items;  // of a list; of a map: key, value, key, value, ...
};

struct YamlMistake {
  YamlPlace place;
  std::string what;
};

// No node for a text without any value (empty, or comments only). Throws YamlMistake.
std::optional<YamlNode> parse_yaml(std::string_view text);

// "3:14": line and column from 1 as editors show them, in characters.
std::string describe_place(std::string_view text, YamlPlace place);

}  // namespace aimlog

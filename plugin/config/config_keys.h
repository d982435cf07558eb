// Every key of the configuration, once: reading, error texts, overrides and the test that holds
// docs/configuration.md, docs/aimlog.schema.json and docs/aimlog.yaml to the code all use this
// table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/config/config.h"

namespace aimlog {

enum class KeyKind {
  name,          // one line of text
  prose,         // any text
  path,          // `~` expanded, absolute
  name_list,     // one text or a list of them
  pattern_list,  // the same, metric patterns; not empty
  milliseconds,
  size,  // bytes, or a text such as 8MiB
  boolean,
  choice,
};

// What was read, already within the key's limits; which member counts follows from the kind. Of a
// choice `number` is its index, of a boolean 0 or 1.
struct KeyValue {
  uint64_t number = 0;
  std::string text;
  std::vector<std::string> list;
};

struct ConfigKey {
  std::string_view name;          // "log.level" is `level` inside of `log`
  std::string_view same_as = {};  // another name for that key; a file may use only one of them
  KeyKind kind = KeyKind::name;
  std::string_view default_value;  // as one would write it; empty: there is none to write
  uint64_t min = 0;                // numbers: their value
  uint64_t max = 0;                // texts: bytes (of each of a list)
  std::vector<std::string_view> choices = {};
  std::string_view help;
  void (*store)(Config& config, KeyValue value) = nullptr;
};

std::span<const ConfigKey> config_keys();

const ConfigKey* find_config_key(std::string_view name);

// `log`: not a key itself, others are inside of it.
bool is_config_section(std::string_view name);

// "a whole number of milliseconds from 10 to 600000": what an error tells to write.
std::string valid_values(const ConfigKey& key);

// "8MiB", "65536", "500 kB" to bytes; false if it is none of that. Too much is UINT64_MAX.
bool parse_size(std::string_view text, uint64_t& bytes);

// Digits only; false if it is none of that. Too much is UINT64_MAX.
bool parse_whole_number(std::string_view text, uint64_t& number);

}  // namespace aimlog

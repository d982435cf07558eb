#include "plugin/config/config_keys.h"

#include <limits>

#include "plugin/config/config_path.h"

namespace aimlog {
namespace {

constexpr uint64_t kib = 1024;
constexpr uint64_t mib = 1024 * kib;
constexpr uint64_t gib = 1024 * mib;
constexpr uint64_t longest_name = 1000;
constexpr uint64_t longest_path = 4000;
constexpr uint64_t longest_prose = 64 * kib;
constexpr uint64_t longest_wait_ms = 600'000;

uint32_t as_ms(const KeyValue& value) { return static_cast<uint32_t>(value.number); }

// Stored values of choices are their index here: the order is that of the enums.
std::vector<ConfigKey> make_identity_keys() {
  return {
      {.name = "repo",
       .kind = KeyKind::path,
       .default_value = ".",
       .max = longest_path,
       .help = "Directory that holds the .aimlog repo",
       .store = [](Config& c, KeyValue v) { c.repo = repo_directory(v.text); }},
      {.name = "experiment",
       .kind = KeyKind::name,
       .default_value = "",
       .max = longest_name,
       .help = "Name that groups jobs; else the host's, else default",
       .store = [](Config& c, KeyValue v) { c.experiment = std::move(v.text); }},
      {.name = "experiment_name",
       .same_as = "experiment",
       .kind = KeyKind::name,
       .default_value = "",
       .max = longest_name,
       .help = "The same as experiment; only one of the two",
       .store = [](Config& c, KeyValue v) { c.experiment = std::move(v.text); }},
      {.name = "metrics",
       .kind = KeyKind::pattern_list,
       .default_value = "",
       .max = longest_name,
       .help = "Patterns of the metrics to record, ! excludes, last match wins; else all",
       .store = [](Config& c, KeyValue v) { c.metrics = std::move(v.list); }},
      {.name = "tags",
       .kind = KeyKind::name_list,
       .default_value = "[]",
       .max = longest_name,
       .help = "Tags of every run",
       .store = [](Config& c, KeyValue v) { c.tags = std::move(v.list); }},
      {.name = "description",
       .kind = KeyKind::prose,
       .default_value = "\"\"",
       .max = longest_prose,
       .help = "Text kept with the job",
       .store = [](Config& c, KeyValue v) { c.description = std::move(v.text); }},
      {.name = "context_and_epoch",
       .kind = KeyKind::boolean,
       .default_value = "true",
       .help = "Top-level context and epoch of a result apply to all its metrics",
       .store = [](Config& c, KeyValue v) { c.context_and_epoch = v.number != 0; }},
  };
}

std::vector<ConfigKey> make_durability_keys() {
  return {
      {.name = "durability",
       .kind = KeyKind::choice,
       .default_value = "interval",
       .choices = {"interval", "always"},
       .help = "Commit to disk every interval, or wait for it in each hook",
       .store = [](Config& c, KeyValue v) { c.durability = static_cast<Durability>(v.number); }},
      {.name = "commit_interval_ms",
       .kind = KeyKind::milliseconds,
       .default_value = "1000",
       .min = 10,
       .max = longest_wait_ms,
       .help = "Time between commits: what a power cut may cost",
       .store = [](Config& c, KeyValue v) { c.commit_interval_ms = as_ms(v); }},
      {.name = "always_wait_ms",
       .kind = KeyKind::milliseconds,
       .default_value = "1000",
       .min = 1,
       .max = longest_wait_ms,
       .help = "With durability always: longest wait for the disk in a hook",
       .store = [](Config& c, KeyValue v) { c.always_wait_ms = as_ms(v); }},
      {.name = "journal_bytes",
       .kind = KeyKind::size,
       .default_value = "8MiB",
       .min = 64 * kib,
       .max = 4 * gib,
       .help = "Size of the journal that keeps results until they are committed",
       .store = [](Config& c, KeyValue v) { c.journal_bytes = v.number; }},
      {.name = "on_full",
       .kind = KeyKind::choice,
       .default_value = "drop",
       .choices = {"drop", "block"},
       .help = "When the journal is full and the wait is over: drop and count, or wait on",
       .store = [](Config& c, KeyValue v) { c.on_full = static_cast<OnFull>(v.number); }},
      {.name = "full_wait_ms",
       .kind = KeyKind::milliseconds,
       .default_value = "50",
       .min = 0,
       .max = longest_wait_ms,
       .help = "Longest wait for room in a full journal before the first drop",
       .store = [](Config& c, KeyValue v) { c.full_wait_ms = as_ms(v); }},
      {.name = "close_timeout_ms",
       .kind = KeyKind::milliseconds,
       .default_value = "5000",
       .min = 100,
       .max = longest_wait_ms,
       .help = "Longest wait for the disk when the host is done",
       .store = [](Config& c, KeyValue v) { c.close_timeout_ms = as_ms(v); }},
      {.name = "log.file",
       .kind = KeyKind::path,
       .default_value = "",
       .max = longest_path,
       .help = "File for the plugin's log; else the host's log",
       .store = [](Config& c, KeyValue v) { c.log.file = v.text; }},
      {.name = "log.level",
       .kind = KeyKind::choice,
       .default_value = "info",
       .choices = {"trace", "debug", "info", "warning", "error", "off"},
       .help = "Least severe message that is logged",
       .store = [](Config& c, KeyValue v) { c.log.level = static_cast<LogLevel>(v.number); }},
  };
}

std::string size_text(uint64_t bytes) {
  if (bytes % gib == 0) return std::to_string(bytes / gib) + "GiB";
  if (bytes % mib == 0) return std::to_string(bytes / mib) + "MiB";
  return std::to_string(bytes / kib) + "KiB";
}

std::string joined(const std::vector<std::string_view>& words) {
  std::string result;
  for (const std::string_view word : words) {
    if (!result.empty()) result += ", ";
    result += word;
  }
  return result;
}

}  // namespace

std::span<const ConfigKey> config_keys() {
  static const std::vector<ConfigKey> keys = [] {
    std::vector<ConfigKey> all = make_identity_keys();
    for (ConfigKey& key : make_durability_keys()) all.push_back(std::move(key));
    return all;
  }();
  return keys;
}

const ConfigKey* find_config_key(std::string_view name) {
  for (const ConfigKey& key : config_keys()) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

bool is_config_section(std::string_view name) {
  for (const ConfigKey& key : config_keys()) {
    if (key.name.size() > name.size() && key.name.starts_with(name) &&
        key.name[name.size()] == '.') {
      return true;
    }
  }
  return false;
}

std::string valid_values(const ConfigKey& key) {
  switch (key.kind) {
    case KeyKind::name:
      return "one line of text";
    case KeyKind::prose:
      return "a text";
    case KeyKind::path:
      return "a path";
    case KeyKind::name_list:
      return "a text or a list of texts";
    case KeyKind::pattern_list:
      return "a pattern or a list of patterns";
    case KeyKind::milliseconds:
      return "a whole number of milliseconds from " + std::to_string(key.min) + " to " +
             std::to_string(key.max);
    case KeyKind::size:
      return "a number of bytes or a size such as 8MiB, from " + size_text(key.min) + " to " +
             size_text(key.max);
    case KeyKind::boolean:
      return "true, false";
    case KeyKind::choice:
      return joined(key.choices);
  }
  return {};
}

bool parse_whole_number(std::string_view text, uint64_t& number) {
  constexpr uint64_t most = std::numeric_limits<uint64_t>::max();
  if (text.empty()) return false;
  number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    const auto digit = static_cast<uint64_t>(c - '0');
    number = number > (most - digit) / 10 ? most : number * 10 + digit;
  }
  return true;
}

bool parse_size(std::string_view text, uint64_t& bytes) {
  struct Unit {
    std::string_view name;
    uint64_t factor;
  };
  static constexpr Unit units[] = {{"", 1},
                                   {"B", 1},
                                   {"KiB", kib},
                                   {"MiB", mib},
                                   {"GiB", gib},
                                   {"kB", 1000},
                                   {"KB", 1000},
                                   {"MB", 1000 * 1000},
                                   {"GB", 1000 * 1000 * 1000}};
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  uint64_t number = 0;
  if (!parse_whole_number(text.substr(0, digits), number)) return false;
  std::string_view unit = text.substr(digits);
  if (unit.size() > 1 && unit.front() == ' ') unit.remove_prefix(1);
  for (const Unit& known : units) {
    if (unit != known.name) continue;
    if (__builtin_mul_overflow(number, known.factor, &bytes)) {
      bytes = std::numeric_limits<uint64_t>::max();
    }
    return true;
  }
  return false;
}

}  // namespace aimlog

#include "plugin/config/load_config.h"

#include <functional>
#include <set>

#include "plugin/base/error.h"
#include "plugin/config/config_file.h"
#include "plugin/config/config_keys.h"
#include "plugin/config/config_path.h"
#include "plugin/config/config_value.h"
#include "plugin/config/suggestion.h"
#include "plugin/config/yaml_tree.h"

namespace aimlog {
namespace {

std::string unknown_key_text(std::string_view key) {
  std::vector<std::string_view> names;
  std::string all;
  for (const ConfigKey& known : config_keys()) {
    names.push_back(known.name);
    all += (all.empty() ? "" : ", ") + std::string(known.name);
  }
  const std::string_view near = nearest_word(key, names);
  const std::string hint = near.empty() ? "" : "; did you mean " + std::string(near) + "?";
  return "unknown key" + hint + " (valid keys: " + all + ")";
}

// One text of settings, a file or an override, being put into a Config.
class Settings {
 public:
  // `where` makes "aimlog.yaml:3:7" of a place.
  using Where = std::function<std::string(YamlPlace)>;

  Settings(Config& config, std::filesystem::path base, Where where)
      : config_(config), base_(std::move(base)), where_(std::move(where)) {}

  void apply(const YamlNode& node, const std::string& key) {
    if (is_config_section(key)) {
      apply_map(node, key);
      return;
    }
    const ConfigKey* known = find_config_key(key);
    if (known == nullptr) throw ConfigMistake{node.place, key, unknown_key_text(key)};
    known->store(config_, read_value(*known, node, base_));
    config_.said_in[std::string(known->name)] = where_(node.place);
  }

  // `section` is empty at the top.
  void apply_map(const YamlNode& node, const std::string& section) {
    if (node.kind == YamlKind::null) return;  // everything in it is commented out
    if (node.kind != YamlKind::map) {
      const std::string what = section.empty() ? "not a map of keys, as in \"repo: runs\""
                                               : "not a map of keys, as in \"level: debug\"";
      throw ConfigMistake{node.place, section, what};
    }
    std::set<std::string> seen;
    for (size_t i = 0; i + 1 < node.items.size(); i += 2) {
      const YamlNode& name = node.items[i];
      const std::string key = full_key(name, section);
      if (!seen.insert(key).second) {
        throw ConfigMistake{name.place, key, "this key is there twice"};
      }
      refuse_second_name(name, key, seen);
      apply(value_of(name, node.items[i + 1]), key);
    }
  }

 private:
  // A value that is not there has the place where the next thing begins; the key's says more.
  static YamlNode value_of(const YamlNode& name, const YamlNode& value) {
    YamlNode result = value;
    const bool absent = value.kind == YamlKind::null && value.place.line != name.place.line;
    if (absent) result.place = name.place;
    return result;
  }

  static std::string full_key(const YamlNode& name, const std::string& section) {
    if (name.kind != YamlKind::scalar) {
      throw ConfigMistake{name.place, section, "a key must be a plain word"};
    }
    const std::string key = section.empty() ? name.text : section + "." + name.text;
    const bool dotted = name.text.find('.') != std::string::npos;
    if (!dotted && (find_config_key(key) != nullptr || is_config_section(key))) return key;
    std::string what = unknown_key_text(key);
    if (dotted && find_config_key(key) != nullptr) what = "in a file this is a map: log: {...}";
    throw ConfigMistake{name.place, in_quotes(key), what};
  }

  static void refuse_second_name(const YamlNode& name, const std::string& key,
                                 const std::set<std::string>& seen) {
    for (const ConfigKey& other : config_keys()) {
      const bool clash = (other.same_as == key && seen.contains(std::string(other.name))) ||
                         (other.name == key && seen.contains(std::string(other.same_as)));
      if (!clash) continue;
      const std::string_view first = other.name == key ? other.same_as : other.name;
      throw ConfigMistake{name.place, key,
                          "the same setting as " + std::string(first) + " above; keep one"};
    }
  }

  Config& config_;
  std::filesystem::path base_;
  Where where_;
};

[[noreturn]] void fail(const std::string& where, const std::string& key, const std::string& what) {
  std::string text = where + ": ";
  if (!key.empty()) text += key + ": ";
  throw Error(ErrorCode::invalid_config, text + what);
}

void apply_text(Config& config, const std::string& name, std::string_view text,
                const std::filesystem::path& base) {
  const auto where = [&](YamlPlace place) { return name + ":" + describe_place(text, place); };
  try {
    const std::optional<YamlNode> root = parse_yaml(text);
    if (root) Settings(config, base, where).apply_map(*root, "");
  } catch (const YamlMistake& mistake) {
    fail(where(mistake.place), "", mistake.what);
  } catch (const ConfigMistake& mistake) {
    fail(where(mistake.place), mistake.key, mistake.what);
  }
}

void apply_override(Config& config, const Override& setting, const std::filesystem::path& base) {
  const std::string where = "override " + in_quotes(setting.key);
  try {
    const YamlNode nothing;
    const std::optional<YamlNode> value = parse_yaml(setting.value);
    const auto in_override = [&](YamlPlace) { return where; };
    Settings(config, base, in_override).apply(value ? *value : nothing, setting.key);
  } catch (const YamlMistake& mistake) {
    fail(where, "", mistake.what);
  } catch (const ConfigMistake& mistake) {
    fail(where, mistake.key == setting.key ? "" : mistake.key, mistake.what);
  }
}

}  // namespace

Config load_config(const ConfigSource& source) {
  Config config;
  if (source.has_text) {
    config.repo = absolute_directory(source.base_dir);
    apply_text(config, "<config>", source.text, config.repo);
  } else if (!source.path.empty()) {
    config.repo = absolute_directory(source.path.parent_path());
    apply_text(config, source.path.string(), read_config_file(source.path), config.repo);
  } else {
    config.repo = absolute_directory(source.base_dir);
  }
  for (const Override& setting : source.overrides) {
    apply_override(config, setting, absolute_directory(source.base_dir));
  }
  return config;
}

}  // namespace aimlog

// The page, the schema and the sample name the keys of the code, no more and no fewer, with the
// same defaults and limits.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "plugin/config/config_keys.h"
#include "plugin/config/load_config.h"
#include "plugin/config/yaml_tree.h"
#include "tests/support/catch.h"

using namespace aimlog;

namespace {

using Faults = std::vector<std::string>;

std::string read_doc(const std::string& name) {
  std::ifstream file(std::string(DOCS_DIR) + "/" + name, std::ios::binary);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

const YamlNode* member(const YamlNode* map, std::string_view name) {
  if (map == nullptr) return nullptr;
  for (size_t i = 0; i + 1 < map->items.size(); i += 2) {
    if (map->items[i].text == name) return &map->items[i + 1];
  }
  return nullptr;
}

// A value as the table writes it.
std::string written(const YamlNode& node) {
  if (node.kind == YamlKind::list && node.items.empty()) return "[]";
  if (node.kind == YamlKind::scalar && node.text.empty()) return "\"\"";
  return node.text;
}

std::string table_names() {
  std::set<std::string> names;
  for (const ConfigKey& key : config_keys()) names.emplace(key.name);
  std::string all;
  for (const std::string& name : names) all += name + " ";
  return all;
}

std::string joined(const std::set<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += name + " ";
  return all;
}

void expect(Faults& faults, bool good, const std::string& fault) {
  if (!good) faults.push_back(fault);
}

// Sections `### \`key\`` with their lines "- Valid: ..." and "- Default: ...".
Faults page_faults(const std::string& page) {
  Faults faults;
  std::set<std::string> names;
  const std::regex heading("\n### `([^`]+)`\n- Valid: ([^\n]+)\n- Default: ([^\n]+)\n");
  for (auto it = std::sregex_iterator(page.begin(), page.end(), heading);
       it != std::sregex_iterator(); ++it) {
    const std::string name = (*it)[1];
    names.insert(name);
    const ConfigKey* key = find_config_key(name);
    if (key == nullptr) continue;
    expect(faults, (*it)[2] == valid_values(*key), name + ": valid values");
    const std::string value{key->default_value};
    const std::string text = (*it)[3];
    expect(faults, value.empty() ? text.starts_with("none: ") : text == "`" + value + "`",
           name + ": default");
  }
  expect(faults, joined(names) == table_names(), "keys: " + joined(names));
  return faults;
}

void collect_keys(const YamlNode& map, const std::string& prefix, std::set<std::string>& names) {
  for (size_t i = 0; i + 1 < map.items.size(); i += 2) {
    const std::string name = prefix + map.items[i].text;
    if (is_config_section(name)) {
      collect_keys(map.items[i + 1], name + ".", names);
    } else {
      names.insert(name);
    }
  }
}

const YamlNode* find_key(const YamlNode& root, std::string_view name, const char* between) {
  const size_t dot = name.find('.');
  const YamlNode* outer = member(&root, name.substr(0, dot));
  if (dot == std::string_view::npos) return outer;
  if (*between != '\0') outer = member(outer, between);
  return member(outer, name.substr(dot + 1));
}

// As it stands the sample has the keys with a default; with `#key:` made `key:`, it has all.
Faults sample_faults(const std::string& sample) {
  Faults faults;
  const YamlNode plain = parse_yaml(sample).value();
  for (const ConfigKey& key : config_keys()) {
    const YamlNode* node = find_key(plain, key.name, "");
    const std::string found = node == nullptr ? "" : written(*node);
    expect(faults, found == key.default_value, std::string(key.name) + ": " + found);
  }
  const std::regex commented("(^|\n)( *)#([a-z_]+:)");
  std::set<std::string> names;
  collect_keys(parse_yaml(std::regex_replace(sample, commented, "$1$2$3")).value(), "", names);
  expect(faults, joined(names) == table_names(), "keys: " + joined(names));
  return faults;
}

void check_schema_limits(Faults& faults, const ConfigKey& key, const YamlNode* property) {
  const std::string name{key.name};
  if (key.kind == KeyKind::milliseconds || key.kind == KeyKind::size) {
    const YamlNode* holder = property;
    if (key.kind == KeyKind::size) holder = &member(property, "oneOf")->items.at(0);
    const YamlNode* min = member(holder, "minimum");
    const YamlNode* max = member(holder, "maximum");
    expect(faults, min != nullptr && min->text == std::to_string(key.min), name + ": minimum");
    expect(faults, max != nullptr && max->text == std::to_string(key.max), name + ": maximum");
  }
  if (key.kind == KeyKind::choice) {
    const YamlNode* choices = member(property, "enum");
    std::vector<std::string_view> values;
    if (choices != nullptr) {
      for (const YamlNode& choice : choices->items) values.push_back(choice.text);
    }
    expect(faults, values == key.choices, name + ": choices");
  }
}

// JSON is YAML, so our own reader reads it.
Faults schema_faults(const std::string& schema) {
  Faults faults;
  const YamlNode root = parse_yaml(schema).value();
  const YamlNode* properties = member(&root, "properties");
  std::set<std::string> names;
  for (size_t i = 0; i < properties->items.size(); i += 2) {
    const std::string name = properties->items[i].text;
    const YamlNode* inner = member(&properties->items[i + 1], "properties");
    if (inner == nullptr) names.insert(name);
    for (size_t j = 0; inner != nullptr && j < inner->items.size(); j += 2) {
      names.insert(name + "." + inner->items[j].text);
    }
  }
  expect(faults, joined(names) == table_names(), "keys: " + joined(names));
  for (const ConfigKey& key : config_keys()) {
    const YamlNode* property = find_key(*properties, key.name, "properties");
    if (property == nullptr) continue;
    const YamlNode* help = member(property, "description");
    const YamlNode* value = member(property, "default");
    const std::string name{key.name};
    expect(faults, help != nullptr && help->text == key.help, name + ": description");
    const std::string text = value == nullptr ? "" : written(*value);
    expect(faults, text == key.default_value, name + ": default " + text);
    check_schema_limits(faults, key, property);
  }
  return faults;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("PageNamesTheKeysOfTheCode") {
  const std::string page = read_doc("configuration.md");
  CHECK(page_faults(page) == Faults{});
  CHECK(page_faults(replaced(page, "- Default: `50`", "- Default: `60`")) != Faults{});
  CHECK(page_faults(replaced(page, "- Valid: true, false", "- Valid: true")) != Faults{});
  CHECK(page_faults(replaced(page, "### `tags`", "### `tag`")) != Faults{});
}

TEST_CASE("SampleNamesTheKeysOfTheCode") {
  const std::string sample = read_doc("aimlog.yaml");
  CHECK(sample_faults(sample) == Faults{});
  CHECK(sample_faults(replaced(sample, "\nfull_wait_ms: 50", "\nfull_wait_ms: 5")) != Faults{});
  CHECK(sample_faults(replaced(sample, "\nfull_wait_ms: 50", "")) != Faults{});
  CHECK(sample_faults(replaced(sample, "#file:", "# file:")) != Faults{});
  CHECK(sample_faults(sample + "more: 1\n") != Faults{});
}

TEST_CASE("SampleLoadsToTheDefaults") {
  Config expected;
  expected.repo = "/base";
  Config sample =
      load_config({.text = read_doc("aimlog.yaml"), .has_text = true, .base_dir = "/base"});
  CHECK(sample.said_in.at("repo").starts_with("<config>:"));
  sample.said_in.clear();
  CHECK(sample == expected);
}

TEST_CASE("SchemaNamesTheKeysOfTheCode") {
  const std::string schema = read_doc("aimlog.schema.json");
  CHECK(schema_faults(schema) == Faults{});
  CHECK(schema_faults(replaced(schema, "\"default\": 50", "\"default\": 5")) != Faults{});
  CHECK(schema_faults(replaced(schema, "\"minimum\": 10", "\"minimum\": 11")) != Faults{});
  CHECK(schema_faults(replaced(schema, "\"trace\",", "")) != Faults{});
  CHECK(schema_faults(replaced(schema, "\"tags\":", "\"tag\":")) != Faults{});
}

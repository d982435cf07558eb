#include "plugin/config/load_config.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "plugin/config/config_keys.h"
#include "plugin/config/suggestion.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace aimlog;
namespace fs = std::filesystem;

namespace {

Config from_text(const std::string& text, std::vector<Override> overrides = {}) {
  return load_config(
      {.text = text, .has_text = true, .base_dir = "/base", .overrides = std::move(overrides)});
}

Config defaults() {
  Config config;
  config.repo = "/base";
  return config;
}

std::string repo_of(const std::string& path) {
  return from_text("repo: '" + path + "'").repo.string();
}

}  // namespace

TEST_CASE("TextsWithoutValuesGiveTheDefaults") {
  for (const char* text : {"", "\n", "# nothing\n", "---\n", "---\n...\n", "null\n", "{}\n",
                           "\xef\xbb\xbf", "log:\n", "log:\n#  level: debug\n"}) {
    CHECK(from_text(text) == defaults());
  }
  CHECK(load_config({.base_dir = "/base"}) == defaults());
}

TEST_CASE("EachKeyIsRead") {
  const Config config = from_text(R"(
repo: runs
experiment: digits
metrics: [loss, "!eval/*"]
durability: always
commit_interval_ms: 250
always_wait_ms: 20
journal_bytes: 64MiB
on_full: block
full_wait_ms: 0
close_timeout_ms: 700
context_and_epoch: false
tags:
  - a
  - "7"
description: |
  two
  	lines
log:
  file: own.log
  level: off
)");
  CHECK(config.repo == "/base/runs");
  CHECK(config.experiment == "digits");
  CHECK(config.metrics == std::vector<std::string>{"loss", "!eval/*"});
  CHECK(config.durability == Durability::always);
  CHECK(config.commit_interval_ms == 250);
  CHECK(config.always_wait_ms == 20);
  CHECK(config.journal_bytes == 64 * 1024 * 1024);
  CHECK(config.on_full == OnFull::block);
  CHECK(config.full_wait_ms == 0);
  CHECK(config.close_timeout_ms == 700);
  CHECK(!config.context_and_epoch);
  CHECK(config.tags == std::vector<std::string>{"a", "7"});
  CHECK(config.description == "two\n\tlines\n");
  CHECK(config.log.file == fs::path("/base/own.log"));
  CHECK(config.log.level == LogLevel::off);
}

TEST_CASE("OtherSpellingsAreRead") {
  CHECK(from_text("experiment_name: x").experiment == "x");
  CHECK(from_text("experiment: 2024").experiment == "2024");
  CHECK(from_text("\xef\xbb\xbf{\"experiment\": \"x\"}\r\n").experiment == "x");
  CHECK(from_text("metrics: '*'").metrics == std::vector<std::string>{"*"});
  CHECK(from_text("tags: a").tags == std::vector<std::string>{"a"});
  CHECK(from_text("tags: []").tags.empty());
  CHECK(from_text("description: ''").description.empty());
  CHECK(from_text("description: |\n  a").description == "a");
  CHECK(from_text("description: |\n  a\n").description == "a\n");
  CHECK(from_text("description: |\n  a\n  ").description == "a\n");
  CHECK(from_text("description: |+\n  a\n\n").description == "a\n\n");
}

TEST_CASE("SizesAreReadWithTheirUnits") {
  const auto size = [](const std::string& text) {
    uint64_t bytes = 0;
    return parse_size(text, bytes) ? std::optional(bytes) : std::nullopt;
  };
  CHECK(size("65536") == 65536);
  CHECK(size("12B") == 12);
  CHECK(size("64KiB") == 65536);
  CHECK(size("8 MiB") == 8 << 20);
  CHECK(size("2GB") == 2'000'000'000);
  CHECK(size("500kB") == 500'000);
  CHECK(size("99999999999999GiB") == UINT64_MAX);
  CHECK(size("99999999999999999999999") == UINT64_MAX);
  for (const char* bad : {"", "MiB", "8mib", "8M", "1.5GiB", "-1", "8MiB ", "8  MiB", "8 "}) {
    CHECK(!size(bad));
  }
}

TEST_CASE("OverridesWinAndTheLastOfThemMost") {
  const Config config =
      from_text("experiment: a\nmetrics: [x]\nlog: {level: off}\n", {{"experiment_name", "b"},
                                                                     {"metrics", "[y, 'z*']"},
                                                                     {"log.level", "debug"},
                                                                     {"log", "{file: over.log}"},
                                                                     {"full_wait_ms", "7"},
                                                                     {"full_wait_ms", "8"}});
  CHECK(config.experiment == "b");
  CHECK(config.metrics == std::vector<std::string>{"y", "z*"});
  CHECK(config.log.level == LogLevel::debug);
  CHECK(config.log.file == fs::path("/base/over.log"));
  CHECK(config.full_wait_ms == 8);
}

TEST_CASE("RelativePathsRestOnTheFileAndOverridesOnTheBase") {
  const test::TempDir directory;
  fs::create_directory(directory / "sub");
  std::ofstream(directory / "sub/a.yaml") << "repo: ../runs\nlog: {file: x.log}\n";
  ConfigSource source;
  source.path = directory / "sub/a.yaml";
  source.base_dir = "/elsewhere";
  CHECK(load_config(source).repo == directory / "runs");
  CHECK(load_config(source).log.file == directory / "sub/x.log");
  source.overrides = {{"repo", "over"}};
  CHECK(load_config(source).repo == "/elsewhere/over");
  source.base_dir = "";
  CHECK(load_config(source).repo == fs::current_path() / "over");

  std::ofstream(directory / "empty.yaml") << "";
  CHECK(load_config({.path = directory / "empty.yaml"}).repo == directory.path());

  const fs::path before = fs::current_path();
  fs::current_path(directory.path());
  CHECK(load_config({.path = "sub/a.yaml"}).repo == directory / "runs");
  CHECK(load_config({.path = "empty.yaml"}).repo == directory.path());
  CHECK(load_config({.text = "repo: x", .has_text = true}).repo == directory / "x");
  fs::current_path(before);
}

TEST_CASE("PathsAreExpandedAndMadeNormal") {
  const char* home = std::getenv("HOME");
  const std::string saved = home == nullptr ? "" : home;
  setenv("HOME", "/home/me", 1);
  CHECK(repo_of("~") == "/home/me");
  CHECK(repo_of("~/") == "/home/me");
  CHECK(repo_of("~//x/../y/") == "/home/me/y");
  setenv("HOME", saved.c_str(), 1);

  CHECK(repo_of(".") == "/base");
  CHECK(repo_of("./a/./b//c/") == "/base/a/b/c");
  CHECK(repo_of("./~odd") == "/base/~odd");
  CHECK(repo_of("/") == "/");
  CHECK(repo_of("../../..") == "/");
  CHECK(repo_of("/data/.aimlog") == "/data");
  CHECK(repo_of("data/.aimlog/") == "/base/data");
  CHECK(repo_of(".aimlog") == "/base");
  CHECK(repo_of("/.aimlog") == "/");
}

TEST_CASE("MistypedWordsFindTheirNeighbour") {
  const std::vector<std::string_view> words = {"metrics", "repo", "log.level", "on_full"};
  CHECK(nearest_word("metric", words) == "metrics");
  CHECK(nearest_word("Metrics", words) == "metrics");
  CHECK(nearest_word("on-full", words) == "on_full");
  CHECK(nearest_word("rpeo", words) == "");
  CHECK(nearest_word("rep", words) == "repo");
  CHECK(nearest_word("log.levle", words) == "log.level");
  CHECK(nearest_word("something", words) == "");
  CHECK(nearest_word("", words) == "");
  CHECK(nearest_word(std::string(100'000, 'r'), words) == "");
}

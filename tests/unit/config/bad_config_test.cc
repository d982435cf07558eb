// Each bad/NAME.yaml against the error text in bad/NAME.txt. AIMLOG_ACCEPT=1 writes the texts anew.
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "plugin/base/error.h"
#include "plugin/config/load_config.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace fs = std::filesystem;

namespace {

const fs::path bad_files = fs::path(CONFIG_TEST_DIR) / "bad";

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// The error text with the directory cut off, or "" if the file is accepted.
std::string error_of(const fs::path& file) {
  try {
    aimlog::load_config({.path = file});
  } catch (const aimlog::Error& error) {
    CHECK(error.code() == aimlog::ErrorCode::invalid_config);
    const std::string directory = file.parent_path().string() + "/";
    std::string text = error.what();
    if (text.starts_with(directory)) text.erase(0, directory.size());
    return text;
  }
  return {};
}

std::vector<fs::path> yaml_files() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(bad_files)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Empty if `text` is what `golden` says and names file, line and column.
std::string golden_fault(const std::string& name, const std::string& text,
                         const std::string& golden) {
  if (text.empty()) return name + " is accepted";
  const std::string prefix = name + ":";
  if (!text.starts_with(prefix)) return name + ": the text does not begin with the file: " + text;
  const size_t line_end = text.find_first_not_of("0123456789", prefix.size());
  const bool has_line = line_end > prefix.size() && text[line_end] == ':';
  const size_t column_end = text.find_first_not_of("0123456789", line_end + 1);
  if (!has_line || column_end == line_end + 1 || text[column_end] != ':') {
    return name + ": no line and column: " + text;
  }
  if (text + "\n" != golden) return name + ": expected " + golden + "got " + text;
  return {};
}

}  // namespace

TEST_CASE("EachBadFileGetsItsErrorTextWithLineAndColumn") {
  const std::vector<fs::path> files = yaml_files();
  CHECK(files.size() >= 25);
  const bool accept = std::getenv("AIMLOG_ACCEPT") != nullptr;
  for (const fs::path& file : files) {
    const fs::path golden = fs::path(file).replace_extension(".txt");
    const std::string text = error_of(file);
    if (accept) write_file(golden, text + "\n");
    CHECK(golden_fault(file.filename().string(), text, read_file(golden)) == "");
  }
}

TEST_CASE("GoldenCheckSeesWrongTexts") {
  CHECK(golden_fault("a.yaml", "a.yaml:1:2: x", "a.yaml:1:2: x\n") == "");
  CHECK(golden_fault("a.yaml", "", "\n") != "");
  CHECK(golden_fault("a.yaml", "a.yaml:1:2: x", "a.yaml:1:3: x\n") != "");
  CHECK(golden_fault("a.yaml", "a.yaml:1: x", "a.yaml:1: x\n") != "");
  CHECK(golden_fault("a.yaml", "b.yaml:1:2: x", "b.yaml:1:2: x\n") != "");
}

TEST_CASE("FilesThatCannotBeReadAreNamed") {
  const aimlog::test::TempDir directory;
  CHECK(error_of(directory / "none.yaml") ==
        "none.yaml: the configuration cannot be opened: No such file or directory");
  fs::create_directory(directory / "d.yaml");
  CHECK(error_of(directory / "d.yaml") == "d.yaml: a directory; name the YAML file in it");
  REQUIRE(mkfifo((directory / "pipe.yaml").c_str(), 0600) == 0);
  CHECK(error_of(directory / "pipe.yaml") == "pipe.yaml: not a regular file");
}

TEST_CASE("OverlongInputIsRefused") {
  const aimlog::test::TempDir directory;
  write_file(directory / "long.yaml", "repo: a\n" + std::string(1 << 20, '#'));
  CHECK(error_of(directory / "long.yaml") ==
        "long.yaml: longer than 1 MiB; that is no configuration");
  std::string many = "tags: [";
  for (int i = 0; i < 200'000; ++i) many += "a,";
  write_file(directory / "many.yaml", many + "]\n");
  CHECK(error_of(directory / "many.yaml") == "many.yaml:1:200002: too many values");
  write_file(directory / "name.yaml", "experiment: " + std::string(1001, 'x') + "\n");
  CHECK(error_of(directory / "name.yaml") == "name.yaml:1:13: experiment: longer than 1000 bytes");
}

TEST_CASE("MistakesInOverridesNameTheOverride") {
  const auto error = [](const std::string& key, const std::string& value) {
    try {
      aimlog::load_config({.overrides = {{key, value}}});
    } catch (const aimlog::Error& mistake) {
      return std::string(mistake.what());
    }
    return std::string();
  };
  CHECK(error("commit_interval_ms", "soon") ==
        "override \"commit_interval_ms\": \"soon\" is not a whole number; valid: a whole number "
        "of milliseconds from 10 to 600000");
  CHECK(error("log.level", "loud") ==
        "override \"log.level\": \"loud\" is not known; valid: trace, debug, info, warning, "
        "error, off");
  CHECK(error("log.lvel", "info")
            .starts_with(
                "override \"log.lvel\": unknown key; did you mean log.level? (valid keys: repo, "));
  CHECK(error("repo", "").starts_with("override \"repo\": no value"));
  CHECK(error("metrics", "[a, \"b[\"]").starts_with("override \"metrics\": bad pattern \"b[\""));
  CHECK(error("metrics", "[a").starts_with("override \"metrics\": this list is never"));
  CHECK(error("log", "{level: loud}").starts_with("override \"log\": log.level: \"loud\""));
  CHECK(error("a\nb", "1").starts_with("override \"a\\x0ab\": unknown key"));
  CHECK(error("", "1").starts_with("override \"\": unknown key"));
}

TEST_CASE("MistakesInTextNameTheConfig") {
  try {
    aimlog::load_config({.text = "repo: a\n\nfull_wait_ms: x\n", .has_text = true});
    FAIL("accepted");
  } catch (const aimlog::Error& error) {
    CHECK(std::string(error.what()).starts_with("<config>:3:15: full_wait_ms: \"x\" is not a"));
  }
}

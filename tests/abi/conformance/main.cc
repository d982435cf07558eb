// Checks whether a plugin keeps the promises of tuner_plugin.h.
//
//   abi_conformance [--only CHECK] [--expect-failure CHECK] PLUGIN.so [CONFIG_TEXT]
//
// {dir} in CONFIG_TEXT becomes a fresh directory for each check. With --expect-failure the run is
// good if that check, and no other, fails: so bad plugins are shown to be caught. 0 = good, 1 =
// not, 2 = usage.
#include <cstring>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "runner.h"

namespace conformance {
namespace {

constexpr unsigned timeout_s = 100;

struct Options {
  std::string plugin;
  std::string config_text;
  std::string only;
  std::vector<std::string> expected_failures;
};

bool parse(int argc, char** argv, Options& options) {
  std::vector<std::string> words;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
      options.only = argv[++i];
    } else if (std::strcmp(argv[i], "--expect-failure") == 0 && i + 1 < argc) {
      options.expected_failures.push_back(argv[++i]);
    } else {
      words.push_back(argv[i]);
    }
  }
  if (words.empty() || words.size() > 2 || words[0][0] == '-') return false;
  options.plugin = std::filesystem::absolute(words[0]).lexically_normal();
  if (words.size() == 2) options.config_text = words[1];
  return true;
}

std::vector<Check> all_checks() {
  std::vector<Check> all;
  for (const auto& group : {entry_checks(), create_checks(), event_checks(), value_checks(),
                            state_checks(), life_checks()}) {
    all.insert(all.end(), group.begin(), group.end());
  }
  return all;
}

int run(const Options& options) {
  int failed = 0, passed = 0;
  bool is_as_expected = true;
  for (const Check& check : all_checks()) {
    if (!options.only.empty() && options.only != check.name) continue;
    const Outcome outcome = run_apart(check, options.plugin, options.config_text, timeout_s);
    const bool is_good = outcome.failures.empty();
    ++(is_good ? passed : failed);
    std::cout << (is_good ? "ok     " : "FAILED ") << check.name << '\n';
    for (const std::string& text : outcome.failures) std::cout << "       - " << text << '\n';
    for (const std::string& text : outcome.notes) std::cout << "       (" << text << ")\n";
    bool is_expected = false;
    for (const std::string& name : options.expected_failures) is_expected |= name == check.name;
    is_as_expected = is_as_expected && is_good != is_expected;
  }
  std::cout << passed << " passed, " << failed << " failed" << std::endl;
  if (passed + failed == 0) return 2;
  return is_as_expected ? 0 : 1;
}

}  // namespace
}  // namespace conformance

int main(int argc, char** argv) {
  conformance::Options options;
  if (!conformance::parse(argc, argv, options)) {
    std::cerr << "usage: abi_conformance [--only CHECK] [--expect-failure CHECK] PLUGIN.so "
                 "[CONFIG_TEXT]\n";
    return 2;
  }
  try {
    return conformance::run(options);
  } catch (const std::exception& e) {
    std::cerr << "abi_conformance: " << e.what() << '\n';
    return 1;
  }
}

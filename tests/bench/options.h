// A benchmark's command line: what it is given first, then options.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <map>
#include <string>
#include <vector>

namespace aimlog::bench {

class Options {
 public:
  // `usage` names every option, as in "PLUGIN [--quick] [--json] [--points N]": what it does not
  // name, and fewer than `given` words before the options, end the program.
  Options(int argc, char** argv, size_t given, const std::string& usage) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    size_t i = 0;
    for (; i < words.size() && words[i].rfind("--", 0) != 0; ++i) given_.push_back(words[i]);
    bool fits = given_.size() == given;
    for (; i < words.size(); ++i) {
      const bool takes_word = usage.find("[" + words[i] + " ") != std::string::npos;
      fits &= takes_word || usage.find("[" + words[i] + "]") != std::string::npos;
      std::string& value = options_[words[i]];
      if (takes_word && i + 1 < words.size()) value = words[++i];
    }
    if (fits) return;
    std::cerr << "usage: " << argv[0] << " " << usage << "\n";
    std::exit(2);
  }

  const std::string& given(size_t i) const { return given_.at(i); }
  bool has(const std::string& option) const { return options_.count(option) != 0; }
  bool json() const { return has("--json"); }
  bool quick() const { return has("--quick"); }
  std::string text(const std::string& option) const {
    const auto found = options_.find(option);
    return found == options_.end() ? "" : found->second;
  }
  // As the option says; without it, as much as is usual, or less where --quick is given.
  uint64_t number(const std::string& option, uint64_t usual, uint64_t quick_number) const {
    if (has(option)) return std::stoull(text(option));
    return quick() ? quick_number : usual;
  }

 private:
  std::vector<std::string> given_;
  std::map<std::string, std::string> options_;
};

// What main does: `work` is given the options, and tells what the program ends with. Whatever it
// throws is one line.
template <typename Work>
int run_main(int argc, char** argv, size_t given, const char* usage, const Work& work) {
  try {
    return work(Options(argc, argv, given, usage));
  } catch (const std::exception& error) {
    std::cerr << argv[0] << ": " << error.what() << "\n";
    return 1;
  }
}

}  // namespace aimlog::bench

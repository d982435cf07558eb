// What a verb accepts, as plain data: the parser, the help and the shell completions are made from
// it, so they cannot differ.
#pragma once

#include <string>
#include <vector>

namespace aimlog::cli {

struct OptionSpec {
  std::string name;   // "--limit"; "RUN" for a word without dashes
  std::string value;  // what to call its value in the help; empty = a flag
  std::string help;
  std::vector<std::string> choices = {};  // the only values it may have; empty = any
  bool repeated = false;
  bool required = false;
  char letter = '\0';  // of "-q" beside "--query"; NUL = none
  bool is_word() const { return name[0] != '-'; }
};

struct CommandSpec {
  std::string name;
  std::string group;  // heading in the help
  std::string summary;
  std::string example = {};  // one or more command lines
  std::vector<OptionSpec> options = {};
};

}  // namespace aimlog::cli

// The command line to a verb and its arguments.
#pragma once

#include <string>
#include <vector>

#include "cli/args/args.h"
#include "cli/args/spec.h"

namespace aimlog::cli {

struct Parsed {
  std::string command;  // empty: `output` is all there is to say (help was asked for)
  Args args;
  std::string output;
};

// Throws a usage Failure.
Parsed parse_command_line(const std::vector<CommandSpec>& commands, int argc,
                          const char* const* argv);

}  // namespace aimlog::cli

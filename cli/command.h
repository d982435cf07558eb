// A verb: what it accepts and what it does.
#pragma once

#include <vector>

#include "cli/args/args.h"
#include "cli/args/spec.h"

namespace aimlog::cli {

struct Command {
  CommandSpec spec;
  int (*run)(const Args& args);  // returns an exit code; throws Failure or Error
};

// All verbs, in the order of the help.
const std::vector<Command>& commands();

// Options that several verbs share.
OptionSpec repo_option();
std::vector<OptionSpec> output_options();  // --format, --json
OptionSpec types_option();
std::vector<OptionSpec> with(std::vector<OptionSpec> options, const std::vector<OptionSpec>& more);

Command ls_command();
Command exps_command();
Command show_command();
Command metrics_command();
Command get_command();
Command best_command();
Command plot_command();
Command stats_command();
Command export_command();
Command import_command();
Command backup_command();
Command check_command();
Command repair_command();
Command version_command();
Command completion_command();

}  // namespace aimlog::cli

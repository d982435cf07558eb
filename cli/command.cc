#include "cli/command.h"

namespace aimlog::cli {

const std::vector<Command>& commands() {
  static const std::vector<Command> all = {
      ls_command(),     best_command(),   exps_command(),   metrics_command(), show_command(),
      get_command(),    plot_command(),   export_command(), import_command(),  check_command(),
      repair_command(), backup_command(), stats_command(),  version_command(), completion_command(),
  };
  return all;
}

OptionSpec repo_option() {
  return {"--repo", "DIR", "the directory that holds .aimlog (else $AIMLOG_REPO, else upward)"};
}

std::vector<OptionSpec> output_options() {
  return {{"--format", "FORMAT", "how to print", {"table", "csv", "jsonl", "json", "md"}},
          {"--json", "", "the same as --format json"}};
}

OptionSpec types_option() {
  return {"--types", "", "give each value with its type, doubles also with their bits"};
}

std::vector<OptionSpec> with(std::vector<OptionSpec> options, const std::vector<OptionSpec>& more) {
  options.insert(options.end(), more.begin(), more.end());
  return options;
}

}  // namespace aimlog::cli

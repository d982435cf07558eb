#include <algorithm>

#include "cli/command.h"
#include "cli/failure.h"
#include "cli/query/columns.h"
#include "cli/query/repo.h"

namespace aimlog::cli {
namespace {

int run(const Args& args) {
  const OutputOptions output = read_output_options(args);
  const RunFilter filter = read_filter(args);
  const auto limit = args.count("--limit", 1);
  const std::string columns = args.text("--columns").value_or("");
  const std::string sort = args.text("--sort").value_or("");
  const bool with_config = (columns + sort).find("config.") != std::string::npos;
  const auto environment = open_repo(args);
  std::string text;
  {
    Snapshot snapshot(*environment);
    RunList list = list_runs(snapshot, filter, with_config);
    if (list.empty()) throw nothing_matched("no run matches");
    if (!sort.empty()) sort_runs(list, sort);
    const size_t shown = std::min<size_t>(limit.value_or(list.size()), list.size());
    std::string note;
    if (shown < list.size() && output.terminal)
      note = std::to_string(shown) + " of " + std::to_string(list.size()) + " runs";
    text = render_runs(list, choose_columns(list, columns), shown, note, output);
  }
  print(text);
  return exit_ok;
}

}  // namespace

Command ls_command() {
  std::vector<OptionSpec> options = {
      {"--columns", "LIST", "id,lr,loss.min,loss{subset=val}.last,...; -NAME takes one away"},
      {"--sort", "KEY", "a column, :desc for the other way; several with commas"},
      {"--limit", "N", "at most so many runs"}};
  options = with(with(options, filter_options()), output_options());
  return {{"ls", "Look at runs", "List runs, the newest first",
           "aimlog ls --sort loss.min --columns id,lr,loss.min,loss.last --limit 10",
           with(options, {types_option(), repo_option()})},
          run};
}

}  // namespace aimlog::cli

#include "cli/command.h"
#include "cli/failure.h"
#include "cli/query/repo.h"
#include "cli/query/run_detail.h"
#include "cli/query/run_ref.h"

namespace aimlog::cli {
namespace {

// Text is collected up to this size while a snapshot is open, then the snapshot is let go and the
// text written: a repo of any size passes through without pinning pages.
constexpr size_t batch_bytes = 8 << 20;

// The runs that are meant, oldest first.
std::vector<RunNumber> chosen_runs(Environment& environment, const Args& args) {
  Snapshot snapshot(environment);
  if (!args.has("--all")) {
    refuse_filter_of_named_runs(args);
    return {find_run_named(snapshot, *args.text("RUN"))};
  }
  const RunFilter filter = read_filter(args);
  std::vector<RunNumber> runs;
  for (const auto& [number, row] : choose_runs(snapshot, filter)) runs.push_back(number);
  return runs;
}

int run(const Args& args) {
  const OutputOptions output = read_output_options(args);
  if (args.has("--all") == args.has("RUN"))
    throw usage_error("show wants one RUN, or --all (see aimlog show --help)");
  const bool json = output.format == Format::json || output.format == Format::jsonl;
  if (!json && output.format != Format::table)
    throw usage_error("show prints a table or JSON; for CSV there are ls and get");
  const bool points = args.has("--points");
  if (points && !json) throw usage_error("--points needs --json (or see aimlog get --help)");

  const auto environment = open_repo(args);
  const std::vector<RunNumber> runs = chosen_runs(*environment, args);
  if (runs.empty()) throw nothing_matched("no run matches");
  for (size_t next = 0; next < runs.size();) {
    std::string text;
    {
      Snapshot snapshot(*environment);
      while (next < runs.size() && text.size() < batch_bytes) {
        const RunDetail detail = load_detail(snapshot, runs[next], points);
        if (!json && next > 0) text += "\n\n";
        text += json ? detail_json(detail, output.types) + "\n" : detail_text(detail, output);
        ++next;
      }
    }
    if (!print(text)) break;
  }
  return exit_ok;
}

}  // namespace

Command show_command() {
  std::vector<OptionSpec> options = {
      {"RUN", "RUN", run_words_help},
      {"--all", "", "every run that the filters let through"},
      {"--points", "", "with --json: all points of all metrics and attempts"}};
  options = with(with(options, filter_options()), output_options());
  return {{"show", "Look into a run", "Show all that is recorded of a run",
           "aimlog show best:loss:min\n  aimlog show --all --json --types --points > all.jsonl",
           with(options, {types_option(), repo_option()})},
          run};
}

}  // namespace aimlog::cli

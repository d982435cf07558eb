#include "cli/command.h"
#include "cli/export/export_aim.h"
#include "cli/query/run_list.h"
#include "cli/query/run_ref.h"

namespace aimlog::cli {

Command export_command() {
  const std::vector<OptionSpec> options = {
      {"--format", "FORMAT", "what to write", {"aim"}, false, true},
      {"--output", "DIR", "the directory that holds .aim, or will", {}, false, true},
      {"--run",
       "RUN",
       std::string("only this run; may come several times: ") + run_words_help,
       {},
       true},
      {"--metrics", "LIST", "only these metrics: names, globs, !exclusions"},
      {"--attempts",
       "HOW",
       "one run of Aim's for each run, or for each attempt",
       {"merged", "split"}},
      {"--no-namespace", "", "bare names of metrics: loss, not ray/tune/loss"},
      {"--keep-nan", "", "keep NaN and infinite values, which are left out otherwise"},
      {"--follow", "", "go on until all runs have ended, within 2 s of what is recorded"},
      {"--until-stdin-ends", "", "with --follow: until stdin is closed, as a parent does"},
      {"--dry-run", "", "only say what would be written"}};
  return {{"export", "Take runs elsewhere", "Write runs into an Aim repo, or bring it up to date",
           "aimlog export --format aim --output ~/aim-repo",
           with(with(options, filter_options()), {repo_option()})},
          export_aim};
}

}  // namespace aimlog::cli

#include "cli/check/progress.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/output/terminal.h"
#include "cli/query/repo.h"
#include "cli/repair/repair_repo.h"

namespace aimlog::cli {
namespace {

int run(const Args& args) {
  const std::filesystem::path damaged = find_named_repo(args, "REPO");
  const std::string target = *args.text("NEW_REPO");
  ProgressLine progress;
  const RepairReport report = repair_repo(
      damaged, target, [&](const std::string& doing) { progress.show("repairing: " + doing); });
  progress.clear();
  print_report(args.has("--json") ? report.as_json(target) : report.as_text(target));
  return exit_ok;
}

}  // namespace

Command repair_command() {
  return {{"repair",
           "Keep the repo safe",
           "Save what can be read of a damaged repo into a new one",
           "aimlog repair ~/experiments ~/experiments-saved",
           {{"REPO", "REPO", "the damaged repo, which is only read", {}, false, true},
            {"NEW_REPO", "NEW_REPO", "a directory that is to be made", {}, false, true},
            {"--json", "", "as JSON"}}},
          run};
}

}  // namespace aimlog::cli

#include "cli/command.h"
#include "cli/import/import_aim.h"

namespace aimlog::cli {

Command import_command() {
  const std::vector<OptionSpec> options = {
      {"DIR", "DIR", "the directory that holds .aim", {}, false, true},
      {"--from", "FORMAT", "what to read", {"aim"}, false, true}};
  return {{"import", "Take runs elsewhere", "Bring runs of an Aim repo in, or what came since",
           "aimlog import --from aim ~/aim-repo --repo ~/experiments",
           with(options, {{"--repo", "DIR",
                           "where .aimlog is or will be (else $AIMLOG_REPO, else upward)"}})},
          import_aim};
}

}  // namespace aimlog::cli

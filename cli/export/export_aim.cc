#include "cli/export/export_aim.h"

#include "cli/export/aim_pass.h"
#include "cli/export/follow_aim.h"
#include "cli/failure.h"
#include "cli/output/terminal.h"
#include "cli/query/repo.h"

namespace aimlog::cli {

bool can_export_aim() { return true; }

int export_aim(const Args& args) {
  AimChoice choice(args);
  const aim::AimPaths paths(*args.text("--output"));
  if (args.has("--follow") && args.has("--dry-run"))
    throw usage_error("--dry-run and --follow do not go together");
  if (args.has("--follow")) return follow_aim(args, choice, paths);
  if (args.has("--until-stdin-ends"))
    throw usage_error("--until-stdin-ends says how long to --follow; give both");
  const auto environment = open_repo(args);
  std::vector<AimSubject> subjects;
  {
    Snapshot snapshot(*environment);
    subjects = choice.subjects(snapshot);
  }
  if (args.has("--dry-run")) {
    Tally tally;
    tally.written = subjects.size();
    print(summary(tally, paths, "would be written or brought up to date"));
    return exit_ok;
  }
  const AimOptions& options = choice.options();
  aim::Publisher publisher(paths, options.split_attempts ? "split" : "merged", options.keep_nan,
                           own_aim_params());
  clear_left_marks(publisher, paths);
  const Tally tally = export_all(*environment, publisher, std::move(subjects), options);
  tell_left_alone(tally);
  print(summary(tally, paths, "written"));
  return tally.unread.empty() ? exit_ok : exit_error;
}

}  // namespace aimlog::cli

// What the options of an export choose.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cli/args/args.h"
#include "cli/export/to_aim.h"
#include "cli/query/run_list.h"

namespace aimlog::cli {

class AimChoice {
 public:
  explicit AimChoice(const Args& args);  // throws a usage error
  const AimOptions& options() const { return options_; }

  // The runs chosen, the oldest first. Throws nothing_matched where there is none. A word that
  // names a run goes on meaning the run it meant first.
  std::vector<std::pair<RunNumber, RunRow>> rows(Snapshot& snapshot);
  // From now on a run that was chosen once stays so, whatever becomes of it.
  void keep_chosen() { keeps_chosen_ = true; }
  std::vector<AimSubject> subjects(Snapshot& snapshot);

 private:
  std::vector<std::pair<RunNumber, RunRow>> choose(Snapshot& snapshot);
  void add_chosen(Snapshot& snapshot, std::vector<std::pair<RunNumber, RunRow>>& rows);

  AimOptions options_;
  RunFilter filter_;
  bool names_runs_;
  std::vector<std::string> words_;  // whose runs are not known yet
  std::set<RunNumber> named_;
  bool keeps_chosen_ = false;
  bool has_chosen_ = false;  // among runs, of which none may have fit
  std::set<RunNumber> chosen_;
};

}  // namespace aimlog::cli

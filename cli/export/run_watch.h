// Which runs changed since the last look at a repo that others are writing. Runs that ended cost
// the reading of their rows.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "cli/export/aim_pass.h"
#include "plugin/commit/recovery.h"

namespace aimlog::cli {

class RunWatch {
 public:
  explicit RunWatch(AimChoice& choice) : choice_(choice) {}

  // What is to be written anew or for the first time.
  std::vector<ToWrite> look(Environment& environment, Snapshot& snapshot);

  size_t runs() const { return runs_; }
  // Whether the repo has any run, chosen or not.
  bool has_runs() const { return has_runs_; }
  size_t open() const { return open_; }
  const LiveWriters& writers() const { return writers_; }

 private:
  std::vector<std::pair<RunNumber, RunRow>> chosen(Snapshot& snapshot);

  AimChoice& choice_;
  struct Row {
    std::string mark;         // of the run's and the job's rows
    bool is_settled = false;  // ended, and all of its results are in chunks
  };
  std::map<RunNumber, Row> rows_;
  struct Subject {
    std::string fingerprint;
    bool is_live = false;
  };
  std::unordered_map<std::string, Subject> subjects_;  // by Aim's hash
  LiveWriters writers_;
  size_t runs_ = 0, open_ = 0;
  bool has_runs_ = false;  // from then on: runs stay
};

}  // namespace aimlog::cli

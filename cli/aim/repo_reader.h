// An Aim repo as it is read: whoever may be writing it, nothing in it is changed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/aim/repo.h"
#include "cli/aim/run.h"

namespace aimlog::aim {

struct ReadRun {
  AimRun run;
  bool is_live = false;               // somebody is writing it
  std::vector<std::string> left_out;  // names of its series that are no metrics
};

class RepoReader {
 public:
  explicit RepoReader(const AimPaths& paths);

  // The oldest first.
  std::vector<std::string> hashes() const;
  // Throws Error where the run's databases are missing or damaged. Any thread.
  ReadRun read(const std::string& hash) const;

 private:
  AimPaths paths_;
  std::map<std::string, AimRun> rows_;  // what SQLite knows of each
};

}  // namespace aimlog::aim

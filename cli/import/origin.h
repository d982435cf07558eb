// Where a run in an Aim repo came from: its job, its params and its status as we keep them. Runs
// that aimlog exported say so in their param `aimlog`; of any other, a job of ours stands for all
// that have experiment, namespace, tags and description in common.
#pragma once

#include <optional>
#include <string>

#include "cli/aim/repo_reader.h"
#include "plugin/store/rows.h"

namespace aimlog::cli {

struct AimOrigin {
  std::string experiment;
  JobRow job;  // without the experiment's number
  RunRow run;  // without the job's number
  AttemptRow attempt;
  uint32_t attempt_number = 1;
  ParamsRow params;

  // What the run's series are called without the namespace.
  std::string bare_name(const std::string& name) const;
};

AimOrigin origin_of(const aim::ReadRun& read);

}  // namespace aimlog::cli

// `--query`: which runs are meant. Works on run rows, params and summaries alone.
#pragma once

#include <string>

#include "cli/query/expression/syntax.h"
#include "cli/query/run_list.h"

namespace aimlog::cli {

class RunQuery {
 public:
  // Throws a usage Failure that points into the text.
  explicit RunQuery(const std::string& text);

  // Whether the runs have to be loaded with their configuration.
  bool needs_config() const { return needs_config_; }
  // Leaves the runs that fit, and the names of their series. Remarks in the snapshot where a
  // comparison cannot be what was meant. Throws a Failure for a field that does not exist.
  void choose(RunList& list, Snapshot& snapshot) const;

 private:
  std::string text_;
  Query query_;
  bool needs_config_ = false;
};

}  // namespace aimlog::cli

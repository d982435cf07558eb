// Looks a whole repo over: files, pages, rows, points, journals, and once more by LMDB itself. What
// could kill a process is done in children. Nothing is written but LMDB's table of readers.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cli/check/findings.h"
#include "cli/check/row_check.h"
#include "plugin/commit/recovery.h"

namespace aimlog::cli {

struct CheckResult {
  std::vector<Finding> findings;
  uint64_t found = 0;  // held-back ones too
  CheckCounts counts;
  std::vector<JournalState> journals;
};

// Throws Failure (exit_usage) where there is nothing that could be looked at.
CheckResult check_repo(const std::filesystem::path& directory, bool deep,
                       const std::function<void(const std::string&)>& progress);

}  // namespace aimlog::cli

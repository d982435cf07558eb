// Saves what can still be read of a damaged repo into a new one; the damaged one is only read.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "cli/repair/report.h"

namespace aimlog::cli {

// `target` must not exist. It appears whole or not at all.
RepairReport repair_repo(const std::filesystem::path& damaged, const std::filesystem::path& target,
                         const std::function<void(const std::string&)>& progress);

}  // namespace aimlog::cli

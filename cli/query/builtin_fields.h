// Fields of queries that every run has, under the names that Aim, MLflow and we have for them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/query/run_fields.h"

namespace aimlog::cli {

std::optional<RunField> builtin_field(const std::string& name);
std::vector<std::string> builtin_field_names();

// Whether an imported run was archived in Aim is kept in its configuration.
inline constexpr const char* archived_field = "archived";

}  // namespace aimlog::cli

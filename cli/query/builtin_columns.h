// Columns that every run has.
#pragma once

#include <string>
#include <vector>

#include "cli/output/table.h"
#include "cli/query/run_list.h"

namespace aimlog::cli {

std::vector<std::string> builtin_names();
bool is_builtin(const std::string& name);
Column builtin_column(const std::string& name);
Cell (*builtin_value_of(const std::string& name))(const RunInfo& run);

// "a, b, c".
std::string join_names(const std::vector<std::string>& names);

// A run's id: short for people, whole for programs.
Cell id_cell(const RunId& id);

}  // namespace aimlog::cli

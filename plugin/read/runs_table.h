// Runs as a table: one row a run, one column for each thing known of any of them.
#pragma once

#include <string_view>

#include "plugin/read/arrow_column.h"
#include "plugin/store/environment.h"

namespace aimlog {

// The columns are listed at `runs` in aimlog_read.h. Throws LookupError for a word that names no
// run or several.
ArrowColumn runs_table(Environment& environment, std::string_view run_word, bool with_metrics);

}  // namespace aimlog

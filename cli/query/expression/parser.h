// A query's text to its tree. The shape is AimQL's, that is Python's, with MLflow's spellings:
//
//   run.hparams.lr < 0.1 and run.metrics["loss"].min < 0.3
//   metrics.loss < 0.3 AND params.opt = 'adam' AND status IN ('completed', 'stopped')
//
// Loosest first: or, and, not, one of [== = != <> < <= > >= in, not in, is, like, ilike, =~, !~],
// then .startswith() and its like. Nothing is ever run as code.
#pragma once

#include <string_view>

#include "cli/query/expression/syntax.h"

namespace aimlog::cli {

// Throws QueryError.
Query parse_query(std::string_view text);

}  // namespace aimlog::cli

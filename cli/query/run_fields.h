// What the names in a query mean for runs: `run.hparams.lr`, `metrics.loss.min`, `status`.
#pragma once

#include <functional>

#include "cli/query/expression/syntax.h"
#include "cli/query/run_list.h"

namespace aimlog::cli {

struct RunField {
  std::function<Value(const RunInfo& run)> value;
  bool is_time = false;  // in seconds since the Unix epoch
};

// Whether it may be in the configuration, which lists of runs leave out otherwise.
bool may_be_config(const Field& field);

// Throws QueryError for what no run can have, and for a param or a metric that none of these has.
RunField bind_field(const RunList& list, const Field& field);

}  // namespace aimlog::cli

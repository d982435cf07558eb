#include "cli/query/run_detail.h"

#include <algorithm>

namespace aimlog::cli {

RunDetail load_detail(Snapshot& snapshot, RunNumber run, bool with_points) {
  const Transaction& txn = snapshot.txn();
  RunDetail detail;
  detail.info = load_run(snapshot, run);
  for (uint32_t number = 1; number <= detail.info.row.attempts; ++number) {
    const auto row = read_attempt(txn, run, number, detail.info.row.attempts);
    detail.attempts.push_back(
        {row.value_or(AttemptRow{}), read_result_count(txn, snapshot.tails(), run, number)});
  }
  detail.params = get_params_history(txn, run);
  detail.checkpoints = get_checkpoints(txn, run);
  for (auto& [key, object] : read_objects(txn, snapshot.tails(), run))
    detail.objects.emplace_back(snapshot.name(key), std::move(object));

  std::vector<SeriesKey> keys;
  for (const auto& [key, summary] : detail.info.summaries) {
    detail.metrics.emplace_back(snapshot.name(key), summary);
    keys.push_back(key);
  }
  if (!with_points) return detail;
  auto points = read_all_points(txn, snapshot.tails(), run, keys);
  for (const SeriesKey& key : keys) detail.points.push_back(std::move(points[key]));
  return detail;
}

}  // namespace aimlog::cli

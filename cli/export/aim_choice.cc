#include "cli/export/aim_choice.h"

#include "cli/failure.h"
#include "cli/query/metric_ref.h"
#include "cli/query/run_ref.h"

namespace aimlog::cli {
namespace {

AimOptions read_options(const Args& args) {
  AimOptions options;
  options.split_attempts = args.text("--attempts") == "split";
  options.bare_names = args.has("--no-namespace");
  options.keep_nan = args.has("--keep-nan");
  options.metrics = split_list(args.text("--metrics").value_or(""));
  if (args.has("--metrics") && options.metrics.empty())
    throw usage_error("--metrics is empty: name metrics, or leave it out");
  for (const std::string& pattern : options.metrics) {
    const std::string problem = pattern_error(pattern);
    if (!problem.empty()) throw usage_error("--metrics '" + pattern + "': " + problem);
  }
  return options;
}

}  // namespace

AimChoice::AimChoice(const Args& args)
    : options_(read_options(args)), filter_(read_filter(args)), words_(args.all("--run")) {
  names_runs_ = !words_.empty();
}

std::vector<std::pair<RunNumber, RunRow>> AimChoice::rows(Snapshot& snapshot) {
  while (!words_.empty()) {
    named_.insert(find_run_named(snapshot, words_.back()));
    words_.pop_back();
  }
  auto rows = choose(snapshot);
  if (names_runs_)
    std::erase_if(rows, [&](const auto& each) { return named_.count(each.first) == 0; });
  if (keeps_chosen_) add_chosen(snapshot, rows);
  if (rows.empty()) throw nothing_matched("no run matches");
  return rows;
}

// A query that once could be asked may become one that cannot, as where its metric is recorded in a
// second context: that ends nothing that is followed.
std::vector<std::pair<RunNumber, RunRow>> AimChoice::choose(Snapshot& snapshot) {
  try {
    auto rows = choose_runs(snapshot, filter_);
    if (!has_chosen_)
      each_run(snapshot.txn(), [&](RunNumber, const RunRow&) { has_chosen_ = true; });
    return rows;
  } catch (const Failure& failure) {
    if (!keeps_chosen_ || !has_chosen_) throw;
    snapshot.remark("no more runs are chosen: " + std::string(failure.what()), failure.details());
    return {};
  }
}

void AimChoice::add_chosen(Snapshot& snapshot, std::vector<std::pair<RunNumber, RunRow>>& rows) {
  std::set<RunNumber> left = chosen_;
  for (const auto& [number, row] : rows) {
    left.erase(number);
    chosen_.insert(number);
  }
  for (const RunNumber number : left) rows.emplace_back(number, get_run(snapshot.txn(), number));
}

std::vector<AimSubject> AimChoice::subjects(Snapshot& snapshot) {
  std::vector<AimSubject> subjects;
  for (const auto& [number, row] : rows(snapshot))
    for (AimSubject& subject : aim_subjects(snapshot, number, row, options_))
      subjects.push_back(std::move(subject));
  if (subjects.empty()) throw nothing_matched("no run matches");
  return subjects;
}

}  // namespace aimlog::cli

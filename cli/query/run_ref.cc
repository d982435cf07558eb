#include "cli/query/run_ref.h"

#include <algorithm>
#include <charconv>

#include "cli/args/suggest.h"
#include "cli/failure.h"
#include "cli/query/metric_ref.h"

namespace aimlog::cli {
namespace {

struct TrialName {
  RunNumber number;
  std::string trial;
};

std::vector<TrialName> all_trials(Snapshot& snapshot) {
  std::vector<TrialName> trials;
  each_run(snapshot.txn(), [&](RunNumber number, const RunRow& row) {
    trials.push_back({number, row.trial_id});
  });
  return trials;
}

bool is_hex(const std::string& word) {
  return !word.empty() && word.size() <= 24 &&
         word.find_first_not_of("0123456789abcdef") == std::string::npos;
}

[[noreturn]] void throw_ambiguous(Snapshot& snapshot, const std::string& word,
                                  const std::vector<RunNumber>& found) {
  constexpr size_t shown_max = 8;
  std::string candidates;
  for (size_t i = 0; i < found.size() && i < shown_max; ++i) {
    const RunRow row = get_run(snapshot.txn(), found[i]);
    candidates += (i > 0 ? ", " : "") + row.id.hex().substr(0, 12) + " (trial " + row.trial_id +
                  " of " + snapshot.experiment_of(row.job) + ")";
  }
  if (found.size() > shown_max) candidates += ", ...";
  throw usage_error("'" + word + "' names more than one run: " + candidates);
}

RunNumber by_index(const std::vector<TrialName>& trials, const std::string& word) {
  size_t index = 0;
  const auto parsed = std::from_chars(word.data() + 1, word.data() + word.size(), index);
  if (parsed.ec != std::errc{} || parsed.ptr != word.data() + word.size() || index == 0)
    throw usage_error("'" + word + "' is no place in the list; the newest run is @1");
  if (index > trials.size())
    throw nothing_matched("there is no run " + word + ": the repo has " +
                          std::to_string(trials.size()));
  return trials[trials.size() - index].number;
}

RunNumber by_best(Snapshot& snapshot, std::string metric) {
  std::string mode;
  for (const char* each : {"min", "max"}) {
    const std::string suffix = std::string(":") + each;
    if (metric.size() > suffix.size() && metric.ends_with(suffix)) {
      mode = each;
      metric.resize(metric.size() - suffix.size());
      break;
    }
  }
  const RunList list = list_runs(snapshot, {});
  const auto series = find_series(list.names(), metric);
  if (series.empty()) throw nothing_matched(unknown_metric(list.names(), metric));
  if (mode.empty()) mode = mode_for(list, metric);
  const auto ranked = rank_runs(list, single_series(list.names(), series, metric), mode, false);
  if (ranked.empty()) throw nothing_matched("no run has a value of '" + metric + "'");
  return list.number(ranked.front().index);
}

}  // namespace

const char* const run_words_help =
    "id or its beginning, trial id, last, @N (Nth newest), best:METRIC[:min|max]";

std::string mode_for(const RunList& list, const std::string& metric) {
  for (size_t i = 0; i < list.size(); ++i) {
    const JobRow& job = list.job(i);
    const bool same = job.metric == metric || metric.rfind(job.metric + "{", 0) == 0;
    if (same && (job.mode == "min" || job.mode == "max")) return job.mode;
  }
  throw usage_error("is the best '" + metric +
                    "' its min or its max? Say --mode min or --mode max" +
                    " (as a run: best:" + metric + ":min)");
}

std::vector<RankedRun> rank_runs(const RunList& list, SeriesKey series, const std::string& mode,
                                 bool by_last) {
  std::vector<RankedRun> ranked;
  size_t next = 0;
  list.each({.summaries = true}, [&](const RunInfo& info) {
    const size_t i = next++;
    const SeriesSummary* summary = info.summary(series);
    if (summary == nullptr) return true;
    RankedRun run{i, by_last ? summary->last : mode == "min" ? summary->min : summary->max, {}};
    if (!run.value.exists() || run.value.is_nan()) return true;
    run.step = by_last ? summary->last_step : mode == "min" ? summary->min_step : summary->max_step;
    ranked.push_back(run);
    return true;
  });
  std::stable_sort(ranked.begin(), ranked.end(), [&](const RankedRun& a, const RankedRun& b) {
    const auto order = compare(a.value, b.value);
    return mode == "min" ? order < 0 : order > 0;
  });
  return ranked;
}

RunNumber find_run_named(Snapshot& snapshot, const std::string& word) {
  const std::vector<TrialName> trials = all_trials(snapshot);
  if (trials.empty()) throw nothing_matched("the repo has no runs yet");
  std::vector<RunNumber> found;
  for (const TrialName& each : trials)
    if (each.trial == word) found.push_back(each.number);
  if (found.size() > 1) throw_ambiguous(snapshot, word, found);
  if (found.size() == 1) return found.front();

  if (word == "last") return trials.back().number;
  if (word.size() > 1 && word[0] == '@') return by_index(trials, word);
  if (word.rfind("best:", 0) == 0) return by_best(snapshot, word.substr(5));
  if (is_hex(word)) {
    found = find_runs_by_prefix(snapshot.txn(), word, 20);
    if (found.size() > 1) throw_ambiguous(snapshot, word, found);
    if (found.size() == 1) return found.front();
  }
  std::vector<std::string> known;
  for (const TrialName& each : trials) known.push_back(each.trial);
  throw nothing_matched("no run is called '" + word + "'" + did_you_mean(word, known) +
                        " ('aimlog ls' lists them)");
}

}  // namespace aimlog::cli

#include <algorithm>
#include <charconv>

#include "cli/args/suggest.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/output/table.h"
#include "cli/query/metric_ref.h"
#include "cli/query/repo.h"
#include "cli/query/run_ref.h"

namespace aimlog::cli {
namespace {

void read_bound(const std::string& text, int64_t& bound) {
  if (text.empty()) return;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), bound);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size())
    throw usage_error("--steps wants FIRST:LAST, either may be left out; not '" + text + "'");
}

StepRange read_steps(const Args& args) {
  StepRange range;
  const auto text = args.text("--steps");
  if (!text) return range;
  const size_t colon = text->find(':');
  read_bound(text->substr(0, colon), range.first);
  if (colon == std::string::npos)
    range.last = range.first;
  else
    read_bound(text->substr(colon + 1), range.last);
  return range;
}

// Which attempts: the default view, all of them unmerged, or one.
struct AttemptChoice {
  bool all = false;
  std::optional<uint64_t> only;
};

AttemptChoice read_attempt(const Args& args) {
  if (args.text("--attempt") == "all") return {true, {}};
  return {false, args.count("--attempt", 1)};
}

struct SeriesPoints {
  SeriesName name;
  std::vector<Point> points;
};

std::vector<Point> chosen_points(std::vector<Point> all, const AttemptChoice& choice) {
  if (choice.only) std::erase_if(all, [&](const Point& p) { return p.attempt != *choice.only; });
  if (!choice.all) all = default_view(std::move(all));
  return all;
}

std::vector<SeriesPoints> collect(Snapshot& snapshot, const Args& args) {
  const AttemptChoice choice = read_attempt(args);
  const StepRange steps = read_steps(args);
  const std::string metric = *args.text("METRIC");
  const RunNumber run = find_run_named(snapshot, *args.text("RUN"));
  const RunInfo info = load_run(snapshot, run);
  const SeriesNames names = snapshot.take_names();
  std::vector<SeriesKey> keys = find_series(names, metric);
  if (keys.empty())
    throw nothing_matched("run " + info.row.id.hex().substr(0, 8) + " has no metric '" + metric +
                          "'" + did_you_mean(metric, metric_names(names)));
  const auto words = args.all("--context");
  std::erase_if(keys, [&](SeriesKey key) { return !context_has(names.at(key), words); });
  std::vector<SeriesPoints> result;
  for (auto& [key, points] : read_all_points(snapshot.txn(), snapshot.tails(), run, keys, steps)) {
    auto chosen = chosen_points(std::move(points), choice);
    if (!chosen.empty()) result.push_back({names.at(key), std::move(chosen)});
  }
  return result;
}

std::string points_text(const std::vector<SeriesPoints>& series, const OutputOptions& output) {
  bool contexts = series.size() > 1, epochs = false, attempts = false;
  for (const SeriesPoints& each : series) {
    for (const Point& point : each.points) {
      epochs = epochs || point.epoch.exists();
      attempts = attempts || point.attempt != series.front().points.front().attempt;
    }
  }
  // People see only columns that say something; programs always get the same ones.
  Column context{"context"}, epoch{"epoch", "", true}, attempt{"attempt"};
  context.programs_only = !contexts;
  epoch.programs_only = !epochs;
  attempt.programs_only = !attempts;
  const auto writer = table_writer(
      {context, {"step"}, {"value", "", true, true}, epoch, attempt, {"time"}}, output);
  for (const SeriesPoints& each : series) {
    const Cell context_cell = dual_cell(each.name.context_text(), each.name.context_value);
    for (const Point& point : each.points) {
      writer->add({context_cell, number_cell(Number::of(point.step)), number_cell(point.value),
                   number_cell(point.epoch), count_cell(point.attempt), time_cell(point.time_ns)});
    }
  }
  return writer->take("");
}

int run(const Args& args) {
  const OutputOptions output = read_output_options(args);
  const auto environment = open_repo(args);
  std::vector<SeriesPoints> series;
  {
    Snapshot snapshot(*environment);
    series = collect(snapshot, args);
  }
  if (series.empty()) throw nothing_matched("no point matches");
  print(points_text(series, output));
  return exit_ok;
}

}  // namespace

Command get_command() {
  std::vector<OptionSpec> options = {
      {"RUN", "RUN", run_words_help, {}, false, true},
      {"METRIC", "METRIC", "a metric's name, or name{context}", {}, false, true},
      {"--context", "KEY=VALUE", "only in this context; may come several times", {}, true},
      {"--attempt", "N|all", "one attempt, or all of them with nothing merged"},
      {"--steps", "A:B", "only steps A to B"}};
  options = with(options, output_options());
  return {{"get", "Look into a run", "Print the points of a metric",
           "aimlog get last loss --format csv > loss.csv",
           with(options, {types_option(), repo_option()})},
          run};
}

}  // namespace aimlog::cli

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "cli/command.h"
#include "cli/failure.h"
#include "cli/output/plot.h"
#include "cli/output/terminal.h"
#include "cli/query/metric_ref.h"
#include "cli/query/repo.h"
#include "cli/query/run_ref.h"
#include "plugin/base/error.h"
#include "plugin/base/file.h"
#include "plugin/base/random.h"
#include "plugin/model/ids.h"

namespace aimlog::cli {
namespace {

struct Drawing {
  Plot plot;
  size_t runs_left_out = 0;
  size_t points = 0;
};

PlotLine make_line(const std::string& label, const std::vector<Point>& points) {
  PlotLine line{label, {}};
  for (const Point& point : points)
    line.points.push_back({static_cast<double>(point.step), point.value.as_double()});
  return line;
}

// The runs to draw: those named, else the newest.
class ChosenRuns {
 public:
  ChosenRuns(Snapshot& snapshot, const Args& args) {
    const auto words = args.all("RUN");
    if (words.empty())
      list_.emplace(list_runs(snapshot, read_filter(args)));
    else
      refuse_filter_of_named_runs(args);
    for (const std::string& word : words)
      named_.push_back(load_run(snapshot, find_run_named(snapshot, word)));
    if (list_) names_ = list_->names();
    for (const RunInfo& run : named_)
      for (const auto& [key, summary] : run.summaries) names_[key] = snapshot.name(key);
  }

  bool empty() const { return list_ ? list_->empty() : named_.empty(); }
  const SeriesNames& names() const { return names_; }
  void each(const std::function<void(const RunInfo&)>& visit) const {
    for (const RunInfo& run : named_) visit(run);
    if (!list_) return;
    list_->each({.row = true, .summaries = true}, [&](const RunInfo& run) {
      visit(run);
      return true;
    });
  }

 private:
  std::vector<RunInfo> named_;
  std::optional<RunList> list_;
  SeriesNames names_;
};

Drawing collect(Snapshot& snapshot, const Args& args) {
  const std::string metric = *args.text("METRIC");
  const size_t lines_max = args.count("--limit", 1).value_or(8);
  const ChosenRuns runs(snapshot, args);
  const SeriesNames& names = runs.names();
  if (runs.empty()) throw nothing_matched("no run matches");
  std::vector<SeriesKey> keys = find_series(names, metric);
  if (keys.empty()) throw nothing_matched(unknown_metric(names, metric));
  const auto words = args.all("--context");
  std::erase_if(keys, [&](SeriesKey key) { return !context_has(names.at(key), words); });
  if (keys.empty()) throw nothing_matched("'" + metric + "' is not recorded in this context");

  Drawing drawing{{keys.size() == 1 ? names.at(keys.front()).text() : metric, "step", {}}};
  runs.each([&](const RunInfo& run) {
    for (const SeriesKey& key : keys) {
      if (run.summary(key) == nullptr) continue;
      if (drawing.plot.lines.size() >= lines_max) {
        drawing.runs_left_out += 1;
        continue;
      }
      std::string label = run.row.id.hex().substr(0, 8) + "  " + run.row.trial_id;
      if (keys.size() > 1) label += "  " + names.at(key).context_text();
      const auto points = read_points(snapshot.txn(), snapshot.tails(), run.number, key);
      drawing.points += points.size();
      drawing.plot.lines.push_back(make_line(label, points));
    }
  });
  if (drawing.plot.lines.empty()) throw nothing_matched("none of these runs has '" + metric + "'");
  return drawing;
}

// Thins the lines out to what `columns` can show, and says so.
void thin_lines(Drawing& drawing, size_t columns) {
  const Scale x = x_scale(drawing.plot, 2);
  size_t left = 0;
  for (PlotLine& line : drawing.plot.lines) left += thin_out(line.points, columns, x);
  std::string& note = drawing.plot.note;
  if (left < drawing.points)
    note = std::to_string(left) + " of " + std::to_string(drawing.points) +
           " points drawn (least and greatest kept)";
  if (drawing.runs_left_out > 0)
    note += (note.empty() ? "" : "; ") + std::to_string(drawing.runs_left_out) +
            " more lines: name the runs, or --limit";
}

Failure cannot_write(const std::filesystem::path& path, int reason) {
  return {exit_error, "cannot write '" + path.string() + "': " + std::strerror(reason)};
}

void write_in_place(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) throw cannot_write(path, errno);
}

// Whole, or not at all: what was there stays until then. Into what is no regular file (a pipe,
// /dev/stdout) it is written as it is.
void write_file(const std::filesystem::path& path, const std::string& text) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored))
    return write_in_place(path, text);
  // By a name that no file of the user's has.
  const std::filesystem::path written = path.string() + "." + to_hex(random_128()) + ".tmp";
  try {
    write_all_at(open_file(written, O_WRONLY | O_CREAT | O_EXCL).get(), text, 0, written);
    rename_file(written, path);
  } catch (const Error& error) {
    std::filesystem::remove(written, ignored);
    throw cannot_write(path, error.error_number());
  }
}

int run(const Args& args) {
  const OutputOptions output = read_output_options(args);
  const auto environment = open_repo(args);
  Drawing drawing;
  {
    Snapshot snapshot(*environment);
    drawing = collect(snapshot, args);
  }
  if (const auto file = args.text("--svg")) {
    thin_lines(drawing, 800);
    write_file(*file, draw_svg(drawing.plot));
    return exit_ok;
  }
  const size_t most = output.height > 12 ? output.height - 8 : 20;
  const size_t width = args.count("--width", 20).value_or(output.width > 0 ? output.width : 80);
  const size_t height = args.count("--height", 3).value_or(std::min<size_t>(20, most));
  thin_lines(drawing, width * 2);
  print(draw_braille(drawing.plot, std::min<size_t>(width, 1000), std::min<size_t>(height, 500),
                     output.colours));
  return exit_ok;
}

}  // namespace

Command plot_command() {
  std::vector<OptionSpec> options = {
      {"METRIC", "METRIC", "a metric's name, or name{context}", {}, false, true},
      {"RUN", "RUN", "runs to draw; without one the newest", {}, true},
      {"--context", "KEY=VALUE", "only in this context; may come several times", {}, true},
      {"--svg", "FILE", "write an SVG file instead"},
      {"--limit", "N", "at most so many lines (8)"},
      {"--width", "N", "columns, of the terminal's"},
      {"--height", "N", "lines of the chart"}};
  options = with(options, filter_options());
  return {{"plot", "Look into a run", "Draw a metric over its steps",
           "aimlog plot loss last best:loss:min", with(options, {repo_option()})},
          run};
}

}  // namespace aimlog::cli

#include <filesystem>
#include <functional>
#include <map>

#include "cli/command.h"
#include "cli/failure.h"
#include "cli/output/json.h"
#include "cli/output/table.h"
#include "cli/output/value_text.h"
#include "cli/query/repo.h"
#include "cli/query/snapshot.h"
#include "plugin/commit/recovery.h"
#include "plugin/store/journal_table.h"
#include "plugin/store/run_table.h"

namespace aimlog::cli {
namespace {

constexpr const char* table_names[table_count] = {
    "meta",   "names",   "shapes",      "experiments", "jobs",  "runs",     "attempts", "params",
    "series", "objects", "checkpoints", "chunks",      "tails", "journals", "losses"};

struct JobLoss {
  std::string experiment;
  LossRow row;
};

struct Stats {
  Table facts;  // name, value
  std::vector<JobLoss> losses;
};

const char* loss_name(LossKind kind) {
  switch (kind) {
    case LossKind::dropped:
      return "dropped";
    case LossKind::damaged:
      return "damaged";
    case LossKind::undecodable:
      return "undecodable";
  }
  return "unknown";
}

uint64_t bytes_of(const std::filesystem::path& path) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  return error ? 0 : bytes;
}

uint64_t journal_bytes(const std::filesystem::path& directory) {
  std::error_code error;
  uint64_t bytes = 0;
  for (auto each = std::filesystem::directory_iterator(directory, error);
       !error && each != std::filesystem::directory_iterator(); each.increment(error))
    bytes += bytes_of(each->path());
  return bytes;
}

void add_counts(Snapshot& snapshot, const std::function<void(const std::string&, Cell)>& fact) {
  std::map<TrialStatus, uint64_t> by_status;
  each_run(snapshot.txn(), [&](RunNumber, const RunRow& row) { by_status[row.status] += 1; });
  uint64_t runs = 0;
  for (const auto& [status, count] : by_status) runs += count;
  fact("runs", count_cell(runs));
  for (const auto& [status, count] : by_status)
    fact(std::string("runs.") + status_name(status), count_cell(count));
  for (unsigned i = 0; i < table_count; ++i)
    fact(std::string("rows.") + table_names[i],
         count_cell(snapshot.txn().count(static_cast<aimlog::Table>(i))));
}

Stats collect(Environment& environment) {
  Stats stats;
  stats.facts.columns = {{"name"}, {"value"}};
  const auto fact = [&](const std::string& name, Cell value) {
    stats.facts.rows.push_back({text_cell(name), std::move(value)});
  };
  const RepoPaths& paths = environment.paths();
  fact("repo", text_cell(paths.root.string()));
  fact("repo_id", text_cell(to_hex(environment.repo_id())));
  fact("data_bytes", count_cell(bytes_of(paths.data)));
  fact("journal_bytes", count_cell(journal_bytes(paths.journals)));
  const WaitingEvents waiting = count_waiting_events(environment);
  fact("journals.live", count_cell(waiting.live_journals));
  fact("journals.dead", count_cell(waiting.dead_journals));
  fact("events_waiting", count_cell(waiting.events));

  Snapshot snapshot(environment);
  uint64_t results = 0, others = 0;
  each_loss(snapshot.txn(), [&](const LossRow& row) {
    results += row.results;
    others += row.others;
    stats.losses.push_back({row.job == 0 ? "" : snapshot.experiment_of(row.job), row});
  });
  fact("lost.results", count_cell(results));
  fact("lost.others", count_cell(others));
  add_counts(snapshot, fact);
  return stats;
}

Table loss_table(const Stats& stats) {
  Table table;
  table.columns = {{"experiment"}, {"job"}, {"kind"}, {"results"}, {"others"}, {"first"}, {"last"}};
  for (const JobLoss& each : stats.losses) {
    const LossRow& row = each.row;
    table.rows.push_back({text_cell(each.experiment), count_cell(row.job),
                          text_cell(loss_name(row.kind)), count_cell(row.results),
                          count_cell(row.others), time_cell(row.first_ns), time_cell(row.last_ns)});
  }
  return table;
}

std::string as_json(const Stats& stats) {
  JsonWriter json;
  json.begin_object();
  for (const auto& row : stats.facts.rows)
    json.key(value_text(std::get<Value>(row[0]), true)).value(std::get<Value>(row[1]), false);
  std::string losses = render_json(loss_table(stats), false, false);
  std::erase(losses, '\n');  // all of it is one line of JSON Lines, too
  json.key("losses").raw_json(losses);
  json.end_object();
  return json.take() + "\n";
}

int run(const Args& args) {
  const OutputOptions output = read_output_options(args);
  const Stats stats = collect(*open_repo(args));
  if (output.format == Format::json || output.format == Format::jsonl) {
    print(as_json(stats));
    return exit_ok;
  }
  std::string text = render(stats.facts, output);
  if (!stats.losses.empty() && output.format != Format::csv)
    text += "\nlost\n" + render(loss_table(stats), output);
  print(text);
  return exit_ok;
}

}  // namespace

Command stats_command() {
  return {{"stats", "About aimlog", "Show the repo's size, its journals, and what was lost",
           "aimlog stats", with(output_options(), {repo_option()})},
          run};
}

}  // namespace aimlog::cli

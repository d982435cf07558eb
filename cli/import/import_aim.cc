#include "cli/import/import_aim.h"

#include <atomic>
#include <map>
#include <span>
#include <variant>

#include "cli/aim/unread_run.h"
#include "cli/failure.h"
#include "cli/import/store_run.h"
#include "cli/output/terminal.h"
#include "cli/query/repo.h"
#include "plugin/base/error.h"
#include "plugin/base/parallel.h"

namespace aimlog::cli {
namespace {

// Runs are read into memory up to so many of them and of their points, then written.
constexpr size_t batch_runs = 256;
constexpr size_t batch_points = 1'000'000;

std::string counted(size_t count, const char* thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

struct Tally {
  size_t added = 0, updated = 0, unchanged = 0, native = 0, points = 0, damaged = 0, unread = 0;
  std::map<std::string, size_t> left_out;  // series that are no metrics, by name
};

// A run, or why it could not be read.
using Outcome = std::variant<aim::ReadRun, aim::UnreadRun>;

size_t points_in(const aim::AimRun& run) {
  size_t points = 0;
  for (const aim::AimSeries& series : run.series) points += series.points.size();
  return points;
}

// The first of the runs that are still to be read, on all cores.
std::vector<Outcome> read_batch(const aim::RepoReader& reader,
                                std::span<const std::string> hashes) {
  std::vector<Outcome> runs(std::min(batch_runs, hashes.size()));
  std::atomic<size_t> points = 0;
  const size_t read = parallel_some(
      runs.size(), [&] { return points < batch_points; },
      [&](size_t i) {
        try {
          aim::ReadRun run = reader.read(hashes[i]);
          points += points_in(run.run);
          runs[i] = std::move(run);
        } catch (const Error& error) {
          runs[i] = aim::UnreadRun(hashes[i], error);
        }
      });
  runs.resize(read);
  return runs;
}

void count(const StoreResult& result, Tally& tally) {
  tally.points += result.points;
  switch (result.outcome) {
    case Stored::added:
      ++tally.added;
      break;
    case Stored::updated:
      ++tally.updated;
      break;
    case Stored::unchanged:
      ++tally.unchanged;
      break;
    case Stored::native:
      ++tally.native;
  }
}

void store_batch(Environment& environment, const std::vector<Outcome>& runs, Tally& tally) {
  std::vector<const aim::ReadRun*> readable;
  for (const Outcome& each : runs)
    if (const auto* read = std::get_if<aim::ReadRun>(&each)) readable.push_back(read);
  std::vector<StoreResult> results;
  with_write_transaction(environment,
                         [&](WriteTransaction& txn) { results = store_runs(txn, readable); });
  for (const StoreResult& result : results) count(result, tally);
}

void tell_problems(const std::vector<Outcome>& runs, Tally& tally) {
  for (const Outcome& each : runs) {
    if (const auto* unread = std::get_if<aim::UnreadRun>(&each)) {
      ++(unread->is_damaged ? tally.damaged : tally.unread);
      complain("Aim's run " + unread->hash + " cannot be read: " + unread->why);
    } else {
      for (const std::string& name : std::get<aim::ReadRun>(each).left_out) ++tally.left_out[name];
    }
  }
}

std::string summary(const Tally& tally) {
  std::string text = counted(tally.added, "run") + " imported with " +
                     counted(tally.points, "point") + ", " + std::to_string(tally.updated) +
                     " brought up to date, " + std::to_string(tally.unchanged) + " unchanged";
  if (tally.native > 0) text += ", " + std::to_string(tally.native) + " recorded here";
  if (tally.damaged > 0) text += ", " + std::to_string(tally.damaged) + " damaged";
  if (tally.unread > 0) text += ", " + std::to_string(tally.unread) + " not read";
  return text + "\n";
}

}  // namespace

int import_aim(const Args& args) {
  const aim::RepoReader reader{aim::AimPaths(*args.text("DIR"))};
  const auto environment = open_or_make_repo(args);
  const std::vector<std::string> all = reader.hashes();
  Tally tally;
  for (std::span<const std::string> rest = all; !rest.empty();) {
    const std::vector<Outcome> runs = read_batch(reader, rest);
    store_batch(*environment, runs, tally);
    tell_problems(runs, tally);
    rest = rest.subspan(runs.size());
  }
  std::string names;
  size_t series = 0;
  for (const auto& [name, times] : tally.left_out) {
    series += times;
    names += (names.empty() ? "" : ", ") + name;
  }
  if (series > 0)
    complain(std::to_string(series) + " series that are no metrics were left out: " + names);
  print(summary(tally));
  if (all.empty()) throw nothing_matched("the Aim repo has no runs");
  return tally.damaged + tally.unread > 0 ? exit_error : exit_ok;
}

}  // namespace aimlog::cli

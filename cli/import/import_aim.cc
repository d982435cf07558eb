#include "cli/import/import_aim.h"

#include <map>
#include <variant>

#include "cli/aim/parallel.h"
#include "cli/failure.h"
#include "cli/import/store_run.h"
#include "cli/output/terminal.h"
#include "cli/query/repo.h"
#include "plugin/base/error.h"

namespace aimlog::cli {
namespace {

constexpr size_t batch_runs = 64;

std::string counted(size_t count, const char* thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

struct Tally {
  size_t added = 0, updated = 0, unchanged = 0, native = 0, points = 0, damaged = 0;
  std::map<std::string, size_t> left_out;  // series that are no metrics, by name
};

// A run, or why it could not be read.
using Outcome = std::variant<aim::ReadRun, std::string>;

std::vector<Outcome> read_batch(const aim::RepoReader& reader,
                                const std::vector<std::string>& hashes) {
  std::vector<Outcome> runs(hashes.size());
  aim::parallel_each(hashes.size(), [&](size_t i) {
    try {
      runs[i] = reader.read(hashes[i]);
    } catch (const Error& error) {
      runs[i] = std::string(error.what());
    }
  });
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
  Tally stored;
  with_write_transaction(environment, [&](WriteTransaction& txn) {
    stored = {};
    const Tails tails(txn);
    for (const Outcome& each : runs)
      if (const auto* read = std::get_if<aim::ReadRun>(&each))
        count(store_run(txn, tails, *read), stored);
  });
  tally.added += stored.added;
  tally.updated += stored.updated;
  tally.unchanged += stored.unchanged;
  tally.native += stored.native;
  tally.points += stored.points;
}

void tell_problems(const std::vector<Outcome>& runs, const std::vector<std::string>& hashes,
                   Tally& tally) {
  for (size_t i = 0; i < runs.size(); ++i) {
    if (const auto* problem = std::get_if<std::string>(&runs[i])) {
      ++tally.damaged;
      complain("Aim's run " + hashes[i] + " cannot be read: " + *problem);
    } else {
      for (const std::string& name : std::get<aim::ReadRun>(runs[i]).left_out)
        ++tally.left_out[name];
    }
  }
}

std::string summary(const Tally& tally) {
  std::string text = counted(tally.added, "run") + " imported with " +
                     counted(tally.points, "point") + ", " + std::to_string(tally.updated) +
                     " brought up to date, " + std::to_string(tally.unchanged) + " unchanged";
  if (tally.native > 0) text += ", " + std::to_string(tally.native) + " recorded here";
  if (tally.damaged > 0) text += ", " + std::to_string(tally.damaged) + " damaged";
  return text + "\n";
}

}  // namespace

int import_aim(const Args& args) {
  const aim::RepoReader reader{aim::AimPaths(*args.text("DIR"))};
  const auto environment = open_or_make_repo(args);
  const std::vector<std::string> all = reader.hashes();
  Tally tally;
  for (size_t done = 0; done < all.size(); done += batch_runs) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(done);
    const size_t size = std::min(batch_runs, all.size() - done);
    const std::vector<std::string> hashes(begin, begin + static_cast<std::ptrdiff_t>(size));
    const std::vector<Outcome> runs = read_batch(reader, hashes);
    store_batch(*environment, runs, tally);
    tell_problems(runs, hashes, tally);
  }
  std::string names;
  size_t series = 0;
  for (const auto& [name, times] : tally.left_out) {
    series += times;
    names += (names.empty() ? "" : ", ") + name;
  }
  if (series > 0)
    complain(counted(series, "series") + " that are no metrics were left out: " + names);
  print(summary(tally));
  if (all.empty()) throw nothing_matched("the Aim repo has no runs");
  return tally.damaged > 0 ? exit_error : exit_ok;
}

}  // namespace aimlog::cli

#include "cli/repair/repair_repo.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <map>

#include "cli/failure.h"
#include "cli/output/new_directory.h"
#include "cli/output/study_notes.h"
#include "cli/repair/rebuild.h"
#include "plugin/base/file.h"
#include "plugin/commit/recovery.h"
#include "plugin/store/checked_value.h"
#include "plugin/store/repo_files.h"
#include "plugin/store/run_table.h"
#include "plugin/store/series_table.h"

namespace aimlog::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* table_names[table_count] = {
    "meta",   "names",   "shapes",      "experiments", "jobs",  "runs",     "attempts", "params",
    "series", "objects", "checkpoints", "chunks",      "tails", "journals", "losses"};

// Nobody may write into the damaged repo meanwhile.
UniqueFd lock_out_writers(const RepoPaths& paths) {
  std::error_code missing;
  if (!fs::exists(paths.write_lock, missing)) return UniqueFd();
  UniqueFd fd = open_file(paths.write_lock, O_RDONLY);
  if (!try_lock_file(fd.get(), LOCK_EX, paths.write_lock))
    throw Failure(exit_error, "somebody writes into '" + paths.directory.string() +
                                  "' just now: end that first");
  return fd;
}

std::vector<JournalState> dead_journals(const RepoPaths& paths,
                                        const std::map<RingId, JournalRow>& rows) {
  std::vector<JournalState> states = look_at_journals(paths.journals, rows);
  for (const JournalState& state : states) {
    if (state.live)
      throw Failure(exit_error, "a process records into '" + paths.directory.string() +
                                    "' (it holds " + state.path.filename().string() +
                                    "): end it first");
  }
  return states;
}

class Repair {
 public:
  Repair(const fs::path& damaged, const fs::path& target,
         const std::function<void(const std::string&)>& progress)
      : damaged_(damaged), target_(target), progress_(progress) {}

  RepairReport run() {
    refuse_later_format();
    dead_journals(damaged_, {});
    const UniqueFd lock = lock_out_writers(damaged_);
    progress_("searching");
    const Salvage salvage(damaged_);
    progress_("decoding");
    SalvagedRepo repo(salvage);
    tell(salvage, repo);
    choose_journals(salvage, repo);
    {
      const auto environment = Environment::open(target_, OpenMode::create);
      Rebuild(*environment, salvage, repo, replayed_, report_).run(progress_);
      replay(*environment);
    }
    if (lock) ::flock(lock.get(), LOCK_UN);
    return std::move(report_);
  }

 private:
  void refuse_later_format() const {
    try {
      read_format(damaged_);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::corrupt) throw;
    }
  }

  void tell(const Salvage& salvage, const SalvagedRepo& repo) {
    report_.rows = repo.rows;
    report_.rows_searched = repo.rows_searched;
    report_.rows_stale = repo.rows_stale;
    report_.rows_undecodable = repo.rows_undecodable;
    for (const PageDamage& each : salvage.damage())
      report_.damage.push_back((each.table.empty() ? "" : "table " + each.table + ", ") + "page " +
                               std::to_string(each.page) + ": " + each.what);
    for (const auto& [table, key] : salvage.damaged_rows())
      report_.rows_damaged += salvage.rows(table).count(key) == 0 ? 1 : 0;
    tell_counts(salvage);
  }

  // Rows that hung on lost pages are only missed by their number.
  void tell_counts(const Salvage& salvage) {
    const auto& meta = salvage.rows(Table::meta);
    const auto row = meta.find(Bytes(ByteView(Key(MetaKind::row_counts))));
    if (row == meta.end() || row->second.stale || !salvage.tree_is_newest()) {
      report_.notes.push_back("how many rows there were is lost: whole runs may be missing");
      return;
    }
    const RowCounts told = decode_row_counts(salvage.payload(row->second));
    for (unsigned i = 1; i < table_count; ++i) {
      const uint64_t saved = salvage.rows(static_cast<Table>(i)).size();
      if (saved >= told.rows[i]) continue;
      report_.notes.push_back("table " + std::string(table_names[i]) + ": " +
                              std::to_string(told.rows[i] - saved) + " of " +
                              std::to_string(told.rows[i]) + " rows are lost");
    }
  }

  // A ring is replayed from the position that the store names; where that is gone, or is an older
  // one, results would come twice.
  void choose_journals(const Salvage& salvage, const SalvagedRepo& repo) {
    for (const JournalState& state : dead_journals(damaged_, repo.journals)) {
      const std::string name = "journal " + state.path.filename().string();
      const bool is_new = !state.known && salvage.is_whole(Table::journals);
      if (!state.problem.empty()) {
        report_.notes.push_back(name + " is lost: " + state.problem);
      } else if (is_new || (state.known && repo.old_journals.count(state.ring) == 0)) {
        rings_.push_back(state.path);
        replayed_.insert(state.ring);
      } else if (state.events_waiting > 0) {
        report_.notes.push_back(name + ": up to " + std::to_string(state.events_waiting) +
                                " events are not replayed, as it is not known which of them the "
                                "repo has; the file stays in the damaged repo");
      }
    }
  }

  // Where what could not be read was a journal's head, its copy would only be damage.
  static void remove_headless(const fs::path& copies) {
    for (const JournalState& copy : look_at_journals(copies, {}))
      if (copy.is_damaged) fs::remove(copy.path);
  }

  void replay(Environment& environment) {
    bool lost_some = false;
    for (const fs::path& ring : rings_) {
      const uint64_t lost = copy_journal(ring, environment.paths().journals / ring.filename());
      lost_some = lost_some || lost > 0;
      if (lost > 0)
        report_.notes.push_back("journal " + ring.filename().string() + ": " +
                                std::to_string(lost) +
                                " bytes cannot be read; the file stays in the damaged repo");
    }
    if (lost_some) remove_headless(environment.paths().journals);
    const RecoveryReport recovered = recover_dead_journals(environment);
    report_.events_replayed = recovered.events_replayed;
    if (recovered.records_lost > 0)
      report_.notes.push_back(std::to_string(recovered.records_lost) +
                              " damaged records of journals could not be read back");
    if (recovered.records_unplaced > 0)
      report_.notes.push_back(std::to_string(recovered.records_unplaced) +
                              " records of journals are lost: of which trials, or metrics, they "
                              "were is not known any more");
    for (const std::string& problem : recovered.problems) report_.notes.push_back(problem);
    if (recovered.events_replayed > 0) count_replayed(environment);
  }

  // With what journals brought, which may be whole runs.
  void count_replayed(Environment& environment) {
    std::map<std::string, size_t> places;
    for (size_t i = 0; i < report_.runs.size(); ++i) places[report_.runs[i].id] = i;
    const Transaction txn(environment);
    each_run(txn, [&](RunNumber number, const RunRow& row) {
      const auto [place, is_new] = places.try_emplace(row.id.hex(), report_.runs.size());
      if (is_new) report_.runs.emplace_back();
      RunReport& report = report_.runs[place->second];
      report.id = row.id.hex();
      report.trial = row.trial_id;
      uint64_t results = 0, points = 0;
      for (uint32_t i = 1; i <= row.attempts; ++i) {
        if (const auto attempt = get_attempt(txn, number, i)) results += attempt->sealed_results;
        points += points_of(get_summaries(txn, number, i));
      }
      report.results = std::max(report.results, results);
      report.points = std::max(report.points, points);
    });
  }

  const RepoPaths damaged_;
  const fs::path target_;
  const std::function<void(const std::string&)>& progress_;
  std::vector<fs::path> rings_;
  std::set<RingId> replayed_;
  RepairReport report_;
};

}  // namespace

RepairReport repair_repo(const fs::path& damaged, const fs::path& target,
                         const std::function<void(const std::string&)>& progress) {
  NewDirectory made(target);
  refuse_network_disk(made.path().parent_path());  // now, and not when all has been searched for
  RepairReport report = Repair(damaged, made.path(), progress).run();
  for (const std::string& problem : copy_study_notes(damaged, made.path()))
    report.notes.push_back("trials that a study has noted: " + problem);
  made.appear();
  return report;
}

}  // namespace aimlog::cli

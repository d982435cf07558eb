#include "cli/output/study_notes.h"

#include <fstream>
#include <map>
#include <set>
#include <string>

#include "plugin/base/error.h"
#include "plugin/store/job_table.h"
#include "plugin/store/run_table.h"

namespace aimlog::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* ending = ".trials";

// The trials that came to their end in this repo, by the host's id of their job.
std::map<std::string, std::set<std::string>> ended_trials(const fs::path& repo) {
  const auto environment = Environment::open(repo, OpenMode::read_only);
  const Transaction txn(*environment);
  std::map<JobNumber, std::string> jobs;
  each_job(txn, [&](JobNumber number, const JobRow& row) { jobs[number] = row.host_job_id; });
  std::map<std::string, std::set<std::string>> trials;
  each_run(txn, [&](RunNumber, const RunRow& row) {
    if (!is_open(row.status) && !row.closed_by_us) trials[jobs[row.job]].insert(row.trial_id);
  });
  return trials;
}

void copy_trials(const fs::path& from, const fs::path& to, const std::set<std::string>& ended) {
  std::ifstream in(from);
  std::ofstream out(to);
  for (std::string line; std::getline(in, line);)
    if (ended.count(line) > 0) out << line << '\n';
  if (in.bad() || !out.flush()) throw Error(ErrorCode::io, "cannot copy " + from.string());
}

}  // namespace

void copy_study_notes(const fs::path& repo, const fs::path& copy) {
  const fs::path notes = repo / ".aimlog" / "optuna";
  if (!fs::is_directory(notes)) return;
  const fs::path copied = copy / ".aimlog" / "optuna";
  fs::create_directories(copied);
  auto ended = ended_trials(copy);
  for (const auto& entry : fs::directory_iterator(notes)) {
    const fs::path name = entry.path().filename();
    if (name.extension() == ending)
      copy_trials(entry.path(), copied / name, ended[name.stem().string()]);
    else
      fs::copy(entry.path(), copied / name, fs::copy_options::recursive);
  }
}

}  // namespace aimlog::cli

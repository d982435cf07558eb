#include "cli/output/study_notes.h"

#include <cerrno>
#include <fstream>
#include <map>
#include <set>

#include "plugin/base/error.h"
#include "plugin/store/checked_value.h"
#include "plugin/store/keys.h"
#include "plugin/store/row_codec.h"
#include "plugin/store/snapshot_walk.h"
#include "plugin/store/store_format.h"

namespace aimlog::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* ending = ".trials";

// The trials that came to their end in a copy, by the host's id of their job. Its rows are read
// without LMDB, which opens no copy on a network disk.
class EndedTrials : public PageVisitor {
 public:
  explicit EndedTrials(const RepoPaths& copy) : file_(copy.data) { walk_snapshot(copy, *this); }

  const std::set<std::string>& of_job(const std::string& host_id) { return trials_[host_id]; }

  void table(ByteView, uint64_t) override {}
  void damage(const PageDamage&) override {}  // a copy is looked over before, or made of sound rows
  void row(ByteView table, ByteView whole_key, ByteView value, uint64_t) override {
    KeyReader key(whole_key);
    if (table == "jobs" && key.number<uint8_t>() == static_cast<uint8_t>(JobKind::job)) {
      const auto number = key.number<JobNumber>();
      jobs_[number] =
          decode_row<JobRow>(verified(Table::jobs, whole_key, value, file_)).host_job_id;
    } else if (table == "runs" && key.number<uint8_t>() == static_cast<uint8_t>(RunKind::run)) {
      const auto row = decode_row<RunRow>(verified(Table::runs, whole_key, value, file_));
      if (!is_open(row.status) && !row.closed_by_us) trials_[jobs_[row.job]].insert(row.trial_id);
    }
  }

 private:
  const fs::path file_;
  std::map<JobNumber, std::string> jobs_;
  std::map<std::string, std::set<std::string>> trials_;
};

void copy_trials(const fs::path& from, const fs::path& to, const std::set<std::string>& ended) {
  std::ifstream in(from);
  if (!in.is_open()) throw system_error("cannot open " + from.string(), errno);
  std::ofstream out(to);
  for (std::string line; std::getline(in, line);)
    if (ended.count(line) > 0) out << line << '\n';
  if (in.bad() || !out.flush()) throw Error(ErrorCode::io, "cannot copy " + from.string());
}

}  // namespace

std::vector<std::string> copy_study_notes(const fs::path& repo, const fs::path& copy) {
  const fs::path notes = repo / ".aimlog" / "optuna";
  std::error_code error;
  if (fs::status(notes, error).type() == fs::file_type::not_found) return {};
  const fs::path copied = copy / ".aimlog" / "optuna";
  fs::create_directories(copied);
  EndedTrials ended{RepoPaths(copy)};
  std::vector<std::string> problems;
  fs::directory_iterator at(notes, error);
  for (; !error && at != fs::directory_iterator(); at.increment(error)) {
    const fs::path name = at->path().filename();
    try {
      if (name.extension() == ending)
        copy_trials(at->path(), copied / name, ended.of_job(name.stem().string()));
      else
        fs::copy(at->path(), copied / name, fs::copy_options::recursive);
    } catch (const Error& failed) {
      problems.push_back(failed.what());
    } catch (const fs::filesystem_error& failed) {
      problems.push_back("cannot copy " + at->path().string() + ": " + failed.code().message());
    }
  }
  if (error) problems.push_back("cannot list " + notes.string() + ": " + error.message());
  return problems;
}

}  // namespace aimlog::cli

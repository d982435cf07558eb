#include "cli/export/live_runs.h"

#include <sys/resource.h>

#include <algorithm>

#include "cli/output/terminal.h"
#include "plugin/base/error.h"

namespace aimlog::cli {
namespace {

// An open database takes some 8 files; half of what we may open is left for all the rest.
size_t open_runs_max() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 8;
  constexpr rlim_t files_of_run = 2 * 8, runs_max = 64;
  return std::clamp<rlim_t>(limit.rlim_cur / 2 / files_of_run, 1, runs_max);
}

}  // namespace

LiveRuns::LiveRuns(const aim::AimPaths& paths)
    : paths_(paths), marks_(paths), open_max_(open_runs_max()) {}

std::vector<std::string> LiveRuns::hashes() const {
  std::vector<std::string> hashes;
  for (const auto& [hash, run] : runs_) hashes.push_back(hash);
  return hashes;
}

void LiveRuns::begin(const AimSubject& subject, LiveStart start) {
  marks_.begin(subject.hash);
  runs_.erase(subject.hash);
  runs_.emplace(subject.hash,
                Run{aim::LiveRun(paths_, subject.hash, std::move(start.seed)), start.cursor});
}

std::optional<MappedRun> LiveRuns::read(Snapshot& snapshot, const AimSubject& subject,
                                        const AimOptions& options) {
  return news_to_aim(snapshot, subject, options, runs_.at(subject.hash).cursor);
}

bool LiveRuns::write(const std::string& hash, MappedRun news, bool& has_new_series) {
  Run& run = runs_.at(hash);
  try {
    if (run.databases.write(std::move(news.run))) has_new_series = true;
  } catch (const Error& error) {
    complain("Aim's run " + hash + " is written anew: " + error.what());
    run.databases.abandon();
    runs_.erase(hash);
    return false;
  }
  run.last_write = ++writes_;
  close_oldest();
  return true;
}

void LiveRuns::close_oldest() {
  std::vector<std::pair<uint64_t, std::string>> open;
  for (const auto& [hash, run] : runs_)
    if (run.databases.is_open()) open.emplace_back(run.last_write, hash);
  if (open.size() <= open_max_) return;
  const auto oldest = std::min_element(open.begin(), open.end());
  try {
    runs_.at(oldest->second).databases.close();
  } catch (const Error& error) {
    complain("Aim's run " + oldest->second + ": " + error.what());
  }
}

void LiveRuns::end(const std::string& hash) {
  const auto found = runs_.find(hash);
  if (found == runs_.end()) return;
  try {
    found->second.databases.close();
  } catch (const Error&) {
    found->second.databases.abandon();  // it is written anew from our repo
  }
  runs_.erase(found);
}

void LiveRuns::drop_deleted(const std::string& hash) {
  const auto found = runs_.find(hash);
  if (found != runs_.end()) found->second.databases.abandon();
  runs_.erase(hash);
  marks_.end(hash);
}

}  // namespace aimlog::cli

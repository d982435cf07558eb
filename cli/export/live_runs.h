// The runs of an Aim repo that a follower is writing to.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/aim/live_marks.h"
#include "cli/aim/live_run.h"
#include "cli/export/aim_pass.h"

namespace aimlog::cli {

// Databases are open only of those that were written to last, so that open files are bounded; marks
// are kept of all.
class LiveRuns {
 public:
  explicit LiveRuns(const aim::AimPaths& paths);

  bool has(const std::string& hash) const { return runs_.count(hash) > 0; }
  size_t size() const { return runs_.size(); }
  std::vector<std::string> hashes() const;

  // A run that has appeared.
  void begin(const AimSubject& subject, LiveStart start);
  // What came to it. Nothing where that cannot be told.
  std::optional<MappedRun> read(Snapshot& snapshot, const AimSubject& subject,
                                const AimOptions& options);
  // False where it cannot be written to any more: then it is not one of ours any longer, but keeps
  // its marks. `has_new_series` is set where it is so.
  bool write(const std::string& hash, MappedRun news, bool& has_new_series);
  // Its databases are closed; the marks stay until unmark().
  void end(const std::string& hash);
  void unmark(const std::string& hash) { marks_.end(hash); }
  void unmark_all() { marks_.end_all(); }
  void drop_deleted(const std::string& hash);
  void beat() { marks_.beat(); }

 private:
  struct Run {
    aim::LiveRun databases;
    PointCursor cursor;
    uint64_t last_write = 0;
  };
  void close_oldest();

  const aim::AimPaths& paths_;
  aim::LiveMarks marks_;
  std::map<std::string, Run> runs_;  // by Aim's hash
  size_t open_max_;
  uint64_t writes_ = 0;
};

}  // namespace aimlog::cli

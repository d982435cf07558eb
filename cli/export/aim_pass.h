// One pass of an export: what changed is read from our repo and written into the Aim repo.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cli/aim/publisher.h"
#include "cli/export/aim_choice.h"
#include "plugin/store/environment.h"

namespace aimlog::cli {

struct ToWrite {
  AimSubject subject;
  bool is_live = false;
};

// From where a live run is gone on with.
struct LiveStart {
  aim::LiveSeed seed;
  PointCursor cursor;
};

struct Staged {
  size_t runs = 0;                        // those done with, the unread among them
  std::map<std::string, size_t> points;   // of each that was staged, by Aim's hash
  std::map<std::string, LiveStart> live;  // by Aim's hash
  std::vector<aim::UnreadRun> unread;     // left as they were
};

// Builds the databases of the first of `runs`, as many as may be in memory at once, on all cores.
// A look at our repo is held while runs are read, never while they are written. `done` is called
// for each run, by any thread but one at a time.
Staged stage_some(Environment& environment, aim::Publisher& publisher,
                  const std::vector<ToWrite>& runs, size_t from, size_t runs_max,
                  const AimOptions& options, const std::function<void()>& done);

struct Tally {
  size_t written = 0, unchanged = 0, points = 0;
  std::vector<std::string> deleted, in_use;
  std::set<std::string> taken;         // by people, while they were written
  std::vector<aim::UnreadRun> unread;  // for a reason that may pass, also runs of others
};

// Brings all of them up to date, none as live; tells of the damaged.
Tally export_all(Environment& environment, aim::Publisher& publisher,
                 std::vector<AimSubject> subjects, const AimOptions& options);

std::string counted(size_t count, const char* thing);  // "1 run", "2 runs"
std::string summary(const Tally& tally, const aim::AimPaths& paths, const char* verb);
void tell_left_alone(const Tally& tally);
void tell_damaged(const aim::PublishReport& report);
bool contains(const std::vector<aim::UnreadRun>& runs, const std::string& hash);
std::string text_of(const aim::UnreadRun& run);
std::string text_of(const aim::MendedRun& run);

}  // namespace aimlog::cli

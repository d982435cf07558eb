// By what Aim knows that a run is being written: a lock file, a file in each `progress` directory,
// and heartbeats, which are files with a rising number in their names.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "cli/aim/repo.h"

namespace aimlog::aim {

class LiveMarks {
 public:
  explicit LiveMarks(const AimPaths& paths);

  void begin(const std::string& hash);
  // Renews those heartbeats that are due.
  void beat();
  // The marks go; also those of a follower that was killed.
  void end(const std::string& hash);
  void end_all();  // of ours

 private:
  struct Beat {
    uint64_t number = 0;
    std::string file;  // name of the last one
    int64_t due_ns = 0;
  };
  void beat(const std::string& hash, Beat& beat);

  const AimPaths& paths_;
  std::map<std::string, Beat> beats_;  // by run
};

}  // namespace aimlog::aim

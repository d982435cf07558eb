// A directory that appears under its name when all of it is there, or not at all.
#pragma once

#include <filesystem>

#include "plugin/base/unique_fd.h"

namespace aimlog::cli {

class NewDirectory {
 public:
  // Makes it beside `target` under a temporary name, and takes away what processes that were killed
  // over the same target left there. Throws Failure (exit_usage) if `target` exists.
  explicit NewDirectory(const std::filesystem::path& target);
  ~NewDirectory();  // takes it away again unless it has appeared
  NewDirectory(const NewDirectory&) = delete;
  NewDirectory& operator=(const NewDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // Syncs what is in it and gives it its name. Throws Failure if somebody took the name meanwhile.
  void appear();

 private:
  std::filesystem::path target_, path_;
  UniqueFd lock_;  // held as long as this process, or a child that writes there, is alive
  bool appeared_ = false;
};

}  // namespace aimlog::cli

// The directory of an Aim repo, and what of it is ours to keep in order.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "plugin/base/unique_fd.h"

namespace aimlog::aim {

struct AimPaths {
  // `directory` is what the user named; one that ends in .aim means the directory above.
  explicit AimPaths(const std::filesystem::path& directory);
  std::filesystem::path directory;
  std::filesystem::path root;         // <directory>/.aim, absolute
  std::filesystem::path version;      // VERSION
  std::filesystem::path structured;   // run_metadata.sqlite
  std::filesystem::path meta_chunks;  // meta/chunks
  std::filesystem::path seqs_chunks;  // seqs/chunks
  std::filesystem::path index;        // meta/index
  std::filesystem::path ours;         // aimlog/: what Aim does not look at
  std::filesystem::path staging;      // aimlog/staging: databases that are not in the repo yet
};

bool holds_aim_repo(const AimPaths& paths);

// Whether something has that name. Throws Error(io) where that cannot be told.
bool is_there(const std::filesystem::path& path);

// Makes the repo where there is none, appearing in one piece, and the directories that an Aim repo
// may lack. Throws Error(unsupported) for one that another version of Aim wrote.
void prepare_aim_repo(const AimPaths& paths);
void check_aim_version(const AimPaths& paths);
// The same for who only reads: older ones are let in.
void check_aim_version_to_read(const AimPaths& paths);

// One export at a time. Throws Error(busy) while another process holds it.
[[nodiscard]] UniqueFd lock_for_export(const AimPaths& paths);

// Names of the runs that have a directory in meta/chunks, in order.
std::vector<std::string> list_chunks(const AimPaths& paths);

// Puts the directory `from` in the place of `to` in one step; what was there is at `from` then, or
// nothing.
void exchange_directories(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace aimlog::aim

// meta/index: a copy of every run's meta database, and the only one that Aim's readers look at
// where it exists. It is written as a whole new directory and put in place in one step, because a
// process that serves the repo dies of an index that it finds locked, and runs that it lacks are
// hidden.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cli/aim/repo.h"
#include "cli/aim/unread_run.h"

namespace aimlog::aim {

// How Aim recognises that a run's meta database has changed, by run.
using ChunkDigests = std::map<std::string, std::string>;
// Databases that will stand in meta/chunks, by run, in place of what stands there.
using StagedChunks = std::map<std::string, std::filesystem::path>;

std::string chunk_digest(const AimPaths& paths, const std::string& hash,
                         const std::filesystem::path& directory);
ChunkDigests chunk_digests(const AimPaths& paths);

struct IndexReport {
  ChunkDigests digests;           // of the databases it was made from
  std::vector<UnreadRun> unread;  // of which it has what the index before it had
};

// The digests of the index that is in place; none where there is no index, or a damaged one.
ChunkDigests indexed_digests(const AimPaths& paths);

// What all runs share in the index (names of params and metrics that Aim offers) is gathered from
// all of them where a run lost some of it, which takes a look into each; or stays until then.
enum class SharedNames { exact, may_stay };

// An index over all runs of the repo, built beside the one that is in place. What that one has of
// runs that did not change since is copied.
class NewIndex {
 public:
  NewIndex(const AimPaths& paths, const StagedChunks& staged, SharedNames names);
  ~NewIndex();  // removes it, or the one before it once it is in place
  NewIndex(const NewIndex&) = delete;
  NewIndex& operator=(const NewIndex&) = delete;

  void put_in_place();  // once
  const IndexReport& report() const { return report_; }

 private:
  AimPaths paths_;
  std::filesystem::path made_;
  IndexReport report_;
};

// Builds an index of what stands in the repo, and puts it in place.
IndexReport replace_index(const AimPaths& paths, SharedNames names = SharedNames::exact);

}  // namespace aimlog::aim

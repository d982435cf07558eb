// Brings runs into an Aim repo. They are built beside it, from several threads, and appear at once:
// first the points of new runs, then the index and their rows, which are all that Aim looks at for
// a list of runs, then all other databases and rows, so that whatever Aim shows is whole. Killed at
// any moment it leaves a repo that Aim opens, and the next export does the rest.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "cli/aim/export_state.h"
#include "cli/aim/merge_run.h"
#include "cli/aim/meta_index.h"
#include "cli/aim/repo.h"
#include "cli/aim/series_head.h"

namespace aimlog::aim {

struct PublishedRun {
  AimRun run;
  std::string fingerprint;       // changes whenever the run does
  std::string metric_namespace;  // before the names of its series, with the slash
  std::set<std::string> bare_names;
  bool is_live = false;  // it will be written to when it has appeared
};

// What stands in the databases of a run that is live.
struct LiveSeed {
  Tree meta;  // without what others put there
  struct Series {
    PlacedSeries placed;  // without points
    SeriesHead head;
  };
  std::map<Bytes, Series> series;  // by place
};

enum class Verdict { write, unchanged, deleted, in_use };

// A run of ours that was damaged and has been written anew.
struct MendedRun {
  std::string hash;
  std::filesystem::path kept;  // its old databases, in which there may be more than we could read
};

struct PublishReport {
  std::vector<UnreadRun> unread;  // also runs of others
  std::vector<MendedRun> mended;
  std::set<std::string> taken;  // opened or changed since they were staged: left as they are
  size_t index_builds = 0;
};

class Publisher {
 public:
  // Takes the lock. `mode` says how our runs become Aim's: refused where the repo has another one.
  Publisher(const AimPaths& paths, const std::string& mode, bool keep_nan,
            std::set<std::string> own_params);

  // Looks again at what people did meanwhile: before judging, where some time has passed.
  void refresh() { rows_ = structured_.hashes(); }
  // What is to be done about a run, from its fingerprint alone. Never of a run that this process
  // has open.
  Verdict judge(const std::string& hash, const std::string& fingerprint);
  // Builds the run's databases in the staging area. Any thread. The seed is that of a live run. A
  // run whose old databases cannot be read just now is not staged, as people's parts of it may be
  // in them; those of a damaged one are kept.
  std::variant<LiveSeed, UnreadRun> stage(PublishedRun run);
  // Makes all that was staged appear, but for what people are at.
  PublishReport publish(SharedNames names = SharedNames::exact);
  // Forgets what was staged, after an error, and gives back its place on the disk.
  void discard();
  // Brings the index up to date with live runs.
  void refresh_index();
  // Whether somebody else (a server) did so since the last time that we did, or looked.
  bool others_refresh_index();
  // Whether somebody deleted a run that had appeared.
  bool is_deleted(const std::string& hash);
  // Runs that a follower which was killed left as live.
  std::vector<std::string> left_live() { return state_.with_fingerprint(live_fingerprint); }

 private:
  struct Staged {
    AimRun run;  // without params and series
    ExportedRun exported;
    std::filesystem::path directory;
    bool is_new = false;  // it has no meta database yet, so that Aim does not see it
    bool was_damaged = false;
    std::string replaced;  // digest of the databases whose place it takes
  };
  // A run's series with what others put into its databases.
  struct Merged {
    std::vector<PlacedSeries> series;
    ForeignParts foreign;
    std::optional<UnreadRun> unread;  // why there is nothing of others
  };

  // Of no run at one moment: the next export writes a live run whose follower is gone anew.
  static constexpr const char* live_fingerprint = "live";

  Merged merge(const PublishedRun& published);
  LiveSeed write_databases(const std::filesystem::path& directory, const PublishedRun& published,
                           Merged merged);
  std::string digest_of_both(const std::string& hash) const;
  bool is_taken(const Staged& staged) const;
  void drop_deleted();
  void drop_taken(PublishReport& report);
  MergeRules merge_rules(const PublishedRun& published);
  std::filesystem::path place_for_damaged(const std::string& hash) const;
  IndexReport show_staged(PublishReport& report, SharedNames names);
  void show_new_runs(NewIndex& index);
  void move_into_place(PublishReport& report);
  enum class RowsOf { new_runs, known_runs };
  void put_rows(RowsOf which);
  void write_rows_of_known_runs();
  void write_state();

  AimPaths paths_;
  UniqueFd lock_;
  StructuredDb structured_;
  ExportState state_;
  std::set<std::string> rows_;  // hashes that have a row
  bool keep_nan_;
  std::set<std::string> own_params_;
  std::mutex mutex_;  // over what follows and state_ while threads stage
  std::vector<Staged> staged_;
  ChunkDigests indexed_;  // of the index as we left it, or found it last
};

}  // namespace aimlog::aim

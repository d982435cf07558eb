#include "cli/aim/publisher.h"

#include <fcntl.h>

#include <fstream>
#include <utility>

#include "cli/aim/database.h"
#include "plugin/base/error.h"
#include "plugin/base/file.h"

namespace aimlog::aim {
namespace {

namespace fs = std::filesystem;

constexpr int index_builds_max = 3;

const AimPaths& prepared(const AimPaths& paths) {
  prepare_aim_repo(paths);
  return paths;
}

// Whether a writer of Aim's is at work on the run: it changes all the time, and Aim's readers look
// at such a run themselves.
bool is_in_progress(const AimPaths& paths, const std::string& hash) {
  return is_there(paths.root / "meta/progress" / hash);
}

bool has_changed(const AimPaths& paths, const IndexReport& report) {
  ChunkDigests now = chunk_digests(paths);
  ChunkDigests then = report.digests;
  for (const UnreadRun& each : report.unread) now.erase(each.hash);
  std::erase_if(now, [&](const auto& each) { return is_in_progress(paths, each.first); });
  std::erase_if(then, [&](const auto& each) { return is_in_progress(paths, each.first); });
  return now != then;
}

// What an export left behind that was killed may be used as it is, unless the machine went down
// with it: then some of its files may be empty.
std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  file >> id;
  return id;
}

// Everything written so far survives a power cut: once for all runs, not once a file.
void sync_file_system(const fs::path& directory) {
  const UniqueFd file = open_file(directory, O_RDONLY | O_DIRECTORY);
  if (::syncfs(file.get()) != 0) throw system_error("cannot sync " + directory.string(), errno);
}

}  // namespace

Publisher::Publisher(const AimPaths& paths, const std::string& mode, bool keep_nan,
                     std::set<std::string> own_params)
    : paths_(prepared(paths)),
      lock_(lock_for_export(paths_)),
      structured_(paths_.structured),
      state_(paths_.ours / "export.sqlite"),
      rows_(structured_.hashes()),
      keep_nan_(keep_nan),
      own_params_(std::move(own_params)) {
  const auto earlier = state_.setting("attempts");
  if (earlier && *earlier != mode)
    throw Error(ErrorCode::invalid_argument,
                "'" + paths_.directory.string() + "' holds an export with --attempts " + *earlier +
                    "; with --attempts " + mode +
                    " the same runs would stand there twice: name another directory");
  if (!earlier) state_.set("attempts", mode);
}

Verdict Publisher::judge(const std::string& hash, const std::string& fingerprint) {
  const auto exported = state_.find(hash);
  if (exported && rows_.count(hash) == 0) return Verdict::deleted;
  const fs::path meta = paths_.meta_chunks / hash, seqs = paths_.seqs_chunks / hash;
  if (exported && exported->fingerprint == fingerprint && is_there(meta) && is_there(seqs))
    return Verdict::unchanged;
  if (is_database_in_use(meta) || is_database_in_use(seqs)) return Verdict::in_use;
  return Verdict::write;
}

MergeRules Publisher::merge_rules(const PublishedRun& published) {
  MergeRules rules{own_params_, {}, keep_nan_};
  const std::scoped_lock guard(mutex_);
  const auto exported = state_.find(published.run.hash);
  if (!exported || exported->metric_namespace == published.metric_namespace) return rules;
  for (const std::string& name : published.bare_names)
    rules.old_series.insert(fit_name(exported->metric_namespace + name));
  return rules;
}

Publisher::Merged Publisher::merge(const PublishedRun& published) {
  const AimRun& run = published.run;
  const MergeRules rules = merge_rules(published);
  const fs::path meta = paths_.meta_chunks / run.hash, seqs = paths_.seqs_chunks / run.hash;
  Merged merged{place_series(run.series), {}, {}};
  try {
    // Where there are points alone, an export was killed before the run appeared.
    if (is_there(meta)) merged.foreign = read_foreign_parts(meta, seqs, run, rules, merged.series);
  } catch (const Error& error) {
    merged = {place_series(run.series), {}, UnreadRun(run.hash, error)};
  }
  std::erase_if(merged.series, [](const auto& each) { return each.series.points.empty(); });
  return merged;
}

LiveSeed Publisher::write_databases(const fs::path& directory, const PublishedRun& published,
                                    Merged merged) {
  const AimRun& run = published.run;
  std::vector<PlacedSeries>& series = merged.series;
  ForeignParts& foreign = merged.foreign;
  LiveSeed seed;
  Tree tree = meta_tree(run, series);
  if (published.is_live) seed.meta = tree;
  tree.merge(foreign.meta);
  build_database(directory / "meta", tree, highest_file_number(paths_.meta_chunks / run.hash));

  DatabaseBuilder points(directory / "seqs", highest_file_number(paths_.seqs_chunks / run.hash));
  auto other = foreign.points.begin();
  each_point_key(run.hash, series, [&](ByteView key, ByteView value) {
    for (; other != foreign.points.end() && other->first < key; ++other)
      points.put(other->first, other->second);
    points.put(key, value);
  });
  for (; other != foreign.points.end(); ++other) points.put(other->first, other->second);
  points.finish();
  for (PlacedSeries& each : series) {
    if (!published.is_live) break;
    const SeriesHead head = head_of(each.series.points);
    each.series.points = {};
    const Bytes place = each.place;
    seed.series.emplace(place, LiveSeed::Series{std::move(each), head});
  }
  return seed;
}

std::string Publisher::digest_of_both(const std::string& hash) const {
  return chunk_digest(paths_, hash, paths_.meta_chunks / hash) +
         chunk_digest(paths_, hash, paths_.seqs_chunks / hash);
}

std::variant<LiveSeed, UnreadRun> Publisher::stage(PublishedRun published) {
  const std::string name = published.run.hash + "-" + published.fingerprint + "-" + boot_id();
  const fs::path directory = paths_.staging / name;
  // One that a killed export left is as good as a new one, unless others may have been at the run,
  // or half of it is in its place already.
  const bool is_new = !is_there(paths_.meta_chunks / published.run.hash);
  LiveSeed seed;
  bool was_damaged = false;
  const bool is_whole = is_there(directory / "meta") && is_there(directory / "seqs");
  std::string replaced = digest_of_both(published.run.hash);  // first: what comes later is not read
  if (!is_new || published.is_live || !is_whole) {
    Merged merged = merge(published);
    was_damaged = merged.unread && merged.unread->is_damaged;
    if (merged.unread && !was_damaged) return *merged.unread;
    const fs::path part = paths_.staging / (name + ".part");
    fs::remove_all(directory);
    fs::remove_all(part);
    fs::create_directories(part);
    seed = write_databases(part, published, std::move(merged));
    fs::rename(part, directory);
  }
  if (published.is_live) published.fingerprint = live_fingerprint;
  Staged staged{std::move(published.run), {}, directory, is_new, was_damaged, std::move(replaced)};
  staged.exported = {std::move(published.fingerprint), std::move(published.metric_namespace),
                     props_of(staged.run)};
  staged.run.params.clear();
  staged.run.series.clear();
  const std::scoped_lock guard(mutex_);
  staged_.push_back(std::move(staged));
  return seed;
}

void Publisher::discard() {
  staged_.clear();
  std::error_code error;  // what stays is taken away after the next export
  fs::remove_all(paths_.staging, error);
}

bool Publisher::is_deleted(const std::string& hash) {
  if (!state_.find(hash)) return false;
  return !structured_.has_run(hash) || !is_there(paths_.meta_chunks / hash);
}

// Between judging and now.
void Publisher::drop_deleted() {
  refresh();
  std::erase_if(staged_, [&](const Staged& each) {
    return rows_.count(each.run.hash) == 0 && state_.find(each.run.hash).has_value();
  });
}

bool Publisher::is_taken(const Staged& staged) const {
  const std::string& hash = staged.run.hash;
  return is_database_in_use(paths_.meta_chunks / hash) ||
         is_database_in_use(paths_.seqs_chunks / hash) || digest_of_both(hash) != staged.replaced;
}

// What somebody opened or changed in Aim since it was staged is not in the new databases.
void Publisher::drop_taken(PublishReport& report) {
  std::erase_if(staged_, [&](const Staged& each) {
    const bool taken = is_taken(each);
    if (taken) report.taken.insert(each.run.hash);
    return taken;
  });
}

fs::path Publisher::place_for_damaged(const std::string& hash) const {
  const fs::path all = paths_.ours / "damaged";
  fs::create_directories(all);
  fs::path place = all / hash;
  for (int number = 2; is_there(place); ++number)
    place = all / (hash + "-" + std::to_string(number));
  return place;
}

// Aim's pages go by the rows, its SDK by the index, and fails on a run without a row: both at once,
// while nobody can read the rows.
void Publisher::show_new_runs(NewIndex& index) {
  for (Staged& each : staged_) {
    if (!each.is_new) continue;
    exchange_directories(each.directory / "seqs", paths_.seqs_chunks / each.run.hash);
    each.replaced = digest_of_both(each.run.hash);
  }
  SqliteTransaction rows(structured_.database(), SqliteTransaction::Lock::exclusive);
  put_rows(RowsOf::new_runs);
  index.put_in_place();
  rows.commit();
}

void Publisher::move_into_place(PublishReport& report) {
  for (Staged& each : staged_) {
    // Since the index was made of it. It is made again, as has_changed() will find.
    if (is_taken(each)) {
      report.taken.insert(each.run.hash);
      continue;
    }
    if (each.was_damaged) {
      // Before what is damaged comes here: wherever we are killed, nothing clears it away.
      const fs::path kept = place_for_damaged(each.run.hash);
      rename_file(each.directory, kept);
      each.directory = kept;
      report.mended.push_back({each.run.hash, kept});
    }
    if (!each.is_new)
      exchange_directories(each.directory / "seqs", paths_.seqs_chunks / each.run.hash);
    exchange_directories(each.directory / "meta", paths_.meta_chunks / each.run.hash);
  }
  std::erase_if(staged_, [&](const Staged& each) { return report.taken.count(each.run.hash) > 0; });
}

void Publisher::put_rows(RowsOf which) {
  for (const Staged& each : staged_) {
    if (each.is_new != (which == RowsOf::new_runs)) continue;
    const auto before = state_.find(each.run.hash);
    structured_.put_run(each.run, before ? std::optional(before->props) : std::nullopt);
  }
}

void Publisher::write_rows_of_known_runs() {
  SqliteTransaction transaction(structured_.database());
  put_rows(RowsOf::known_runs);
  transaction.commit();
}

void Publisher::write_state() {
  SqliteTransaction transaction(state_.database());
  for (const Staged& each : staged_) state_.put(each.run.hash, each.exported);
  transaction.commit();
}

void Publisher::refresh_index() { indexed_ = replace_index(paths_, SharedNames::may_stay).digests; }

bool Publisher::others_refresh_index() {
  const ChunkDigests found = indexed_digests(paths_);
  return std::exchange(indexed_, found) != found;
}

IndexReport Publisher::show_staged(PublishReport& report, SharedNames names) {
  StagedChunks chunks;
  for (const Staged& each : staged_) chunks[each.run.hash] = each.directory / "meta";
  sync_file_system(paths_.root);
  NewIndex index(paths_, chunks, names);
  ++report.index_builds;
  show_new_runs(index);
  move_into_place(report);
  write_rows_of_known_runs();
  write_state();
  return index.report();
}

PublishReport Publisher::publish(SharedNames names) {
  PublishReport report;
  drop_deleted();
  drop_taken(report);
  IndexReport index =
      staged_.empty() ? IndexReport{indexed_digests(paths_), {}} : show_staged(report, names);
  while (has_changed(paths_, index) && report.index_builds < index_builds_max) {
    index = replace_index(paths_, names);
    ++report.index_builds;
  }
  indexed_ = index.digests;
  report.unread = index.unread;
  fs::remove_all(paths_.staging);
  staged_.clear();
  return report;
}

}  // namespace aimlog::aim

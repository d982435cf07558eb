#include "cli/aim/repo_reader.h"

#include <algorithm>
#include <set>

#include "cli/aim/database.h"
#include "cli/aim/point_reader.h"
#include "cli/aim/structured_db.h"
#include "plugin/base/error.h"

namespace aimlog::aim {
namespace {

namespace fs = std::filesystem;

std::map<std::string, AimRun> read_rows(const fs::path& path) {
  std::map<std::string, AimRun> rows;
  if (!is_there(path)) return rows;
  Sqlite database(path, Sqlite::Mode::read_only);
  Query query(
      database,
      "SELECT run.hash, run.name, run.description, run.is_archived, run.created_at,"
      " experiment.name FROM run LEFT JOIN experiment ON experiment.id = run.experiment_id");
  while (query.step()) {
    AimRun& run = rows[query.text(0)];
    run.hash = query.text(0);
    run.name = query.text(1);
    run.description = query.text(2);
    run.is_archived = query.integer(3) != 0;
    run.created_us = parse_aim_time(query.text(4)).value_or(0);
    run.experiment = query.text(5);
  }
  Query tags(database,
             "SELECT run.hash, tag.name FROM run_tag JOIN run ON run.id = run_tag.run_id"
             " JOIN tag ON tag.id = run_tag.tag_id ORDER BY tag.name");
  while (tags.step()) rows[tags.text(0)].tags.push_back(tags.text(1));
  Query notes(database,
              "SELECT run.hash, note.content FROM note JOIN run ON run.id = note.run_id"
              " ORDER BY note.id");
  while (notes.step()) rows[notes.text(0)].notes.push_back(notes.text(1));
  return rows;
}

ValueMap context_of(const Tree& meta, const std::string& hash, int64_t id) {
  for (const Bytes& stem : {run_path(hash), encode_path({"meta"})}) {
    Bytes path = stem;
    append_key(path, "contexts");
    append_key(path, id);
    const auto found = fold(meta, path);
    if (found && found->map() != nullptr) return *found->map();
  }
  return {};
}

struct Trace {
  std::string name;
  int64_t context = 0;
  bool is_metric = true;
  bool is_old = false;
};

// The series that the run's heads name, by place.
std::map<Bytes, Trace> read_traces(const Tree& meta, const std::string& hash) {
  std::map<Bytes, Trace> traces;
  Bytes stem = run_path(hash);
  append_key(stem, "traces");
  for (const PathKey& context : keys_below(meta, stem)) {
    const Bytes below = stem + encode_path({context});
    if (!std::holds_alternative<int64_t>(context)) continue;
    for (const PathKey& name : keys_below(meta, below)) {
      const auto* text = std::get_if<std::string>(&name);
      if (text == nullptr) continue;
      const Bytes place = encode_path({context, name});
      const auto dtype = fold(meta, stem + place + encode_path({"dtype"}));
      const auto version = fold(meta, stem + place + encode_path({"version"}));
      const std::string type = dtype && dtype->text() ? *dtype->text() : "float";
      Trace trace{*text, std::get<int64_t>(context), true, true};
      trace.is_metric = type == "float" || type == "int" || type == "number" || type == "float64";
      trace.is_old = !version || version->number() == nullptr || version->number()->bits != 2;
      traces[place] = trace;
    }
  }
  return traces;
}

}  // namespace

RepoReader::RepoReader(const AimPaths& paths) : paths_(paths) {
  if (!holds_aim_repo(paths_))
    throw Error(ErrorCode::not_found, "there is no .aim in '" + paths_.directory.string() + "'");
  check_aim_version_to_read(paths_);
  rows_ = read_rows(paths_.structured);
}

std::vector<std::string> RepoReader::hashes() const {
  std::vector<std::pair<int64_t, std::string>> found;
  std::set<std::string> names;
  if (fs::is_directory(paths_.meta_chunks))
    for (const std::string& hash : list_chunks(paths_)) names.insert(hash);
  for (const auto& [hash, row] : rows_) names.insert(hash);
  for (const std::string& hash : names) {
    const auto row = rows_.find(hash);
    found.emplace_back(row == rows_.end() ? 0 : row->second.created_us, hash);
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> result;
  for (auto& [created, hash] : found) result.push_back(std::move(hash));
  return result;
}

ReadRun RepoReader::read(const std::string& hash) const {
  ReadRun read;
  AimRun& run = read.run;
  if (const auto row = rows_.find(hash); row != rows_.end()) run = row->second;
  run.hash = hash;
  const fs::path directory = paths_.meta_chunks / hash;
  read.is_live = is_database_in_use(directory);
  const Tree meta = DatabaseReader(directory).read_all();
  const Bytes own = run_path(hash);
  if (auto params = fold(meta, own + encode_path({"attrs"})); params && params->map())
    run.params = *params->map();
  const auto end = fold(meta, own + encode_path({"end_time"}));
  if (end && end->number() != nullptr && end->number()->as_double() != 0)
    run.end_time_s = end->number()->as_double();

  const std::map<Bytes, Trace> traces = read_traces(meta, hash);
  // Aim deletes ranges of points only where it puts others in their place.
  const DatabaseReader seqs(paths_.seqs_chunks / hash, DatabaseReader::DeletedRanges::ignored);
  each_series(seqs, hash, [&](ByteView place, std::vector<AimPoint> points) {
    const auto path = decode_path(place);
    if (!path || path->size() != 2) return;
    const auto* id = std::get_if<int64_t>(path->data());
    const auto* name = std::get_if<std::string>(&(*path)[1]);
    if (id == nullptr || name == nullptr) return;
    run.series.push_back({*name, context_of(meta, hash, *id), std::move(points)});
  });
  for (const auto& [place, trace] : traces) {
    if (!trace.is_metric) read.left_out.push_back(trace.name);
    if (!trace.is_metric || !trace.is_old) continue;
    auto points = read_old_series(seqs, hash, place);
    if (!points.empty())
      run.series.push_back({trace.name, context_of(meta, hash, trace.context), std::move(points)});
  }
  return read;
}

}  // namespace aimlog::aim

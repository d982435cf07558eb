#include "cli/check/row_check.h"

#include <algorithm>

#include "plugin/model/value.h"
#include "plugin/store/row_codec.h"
#include "plugin/store/store_format.h"

namespace aimlog::cli {
namespace {

constexpr uint64_t rows_between_progress = 10000;
constexpr const char* table_names[table_count] = {
    "meta",   "names",   "shapes",      "experiments", "jobs",  "runs",     "attempts", "params",
    "series", "objects", "checkpoints", "chunks",      "tails", "journals", "losses"};

std::optional<Table> table_of(ByteView name) {
  for (unsigned i = 0; i < table_count; ++i)
    if (name == table_names[i]) return static_cast<Table>(i);
  return std::nullopt;
}

std::string hex_of(ByteView bytes) {
  return to_hex(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::string number_text(uint32_t number) { return "number " + std::to_string(number); }

}  // namespace

RowCheck::RowCheck(std::filesystem::path file, bool deep, Findings& findings,
                   std::function<void(const std::string&)> progress)
    : file_(std::move(file)),
      findings_(findings),
      progress_(std::move(progress)),
      points_(runs_, deep, findings) {}

void RowCheck::table(ByteView name, uint64_t) {
  const auto table = table_of(name);
  if (!table) return;  // of a later version
  table_ = *table;
  rows_[table_] = 0;
  progress_(std::string(name));
}

void RowCheck::damage(const PageDamage& damage) {
  const auto table = table_of(damage.table);
  if (table)
    damaged_.insert(*table);
  else
    damaged_list_ = damaged_list_ || damage.table.empty();
  const std::string place = damage.table.empty() ? "file" : damage.table;
  findings_.add({place, "page " + std::to_string(damage.page), damage.what, todo_repair});
}

void RowCheck::say(const std::string& key, const std::string& what) {
  findings_.add({table_names[static_cast<unsigned>(table_)], key, what, todo_repair});
}

void RowCheck::row(ByteView name, ByteView key, ByteView value, uint64_t) {
  if (!table_of(name)) return;
  const uint64_t rows = ++rows_[table_];
  if (rows % rows_between_progress == 0)
    progress_(std::string(name) + ", " + std::to_string(rows) + " rows");
  try {
    const ByteView payload = verified(table_, key, value, file_);
    check(key, payload);
  } catch (const Error& error) {
    damaged_.insert(table_);
    const bool checksum = error.code() == ErrorCode::corrupt &&
                          std::string_view(error.what()).starts_with("damaged row in table");
    findings_.add({std::string(name), "key " + hex_of(key),
                   checksum ? "the checksum of the row is wrong" : error.what(),
                   error.code() == ErrorCode::too_new ? "use a newer aimlog" : todo_repair});
  }
}

void RowCheck::check(ByteView whole_key, ByteView payload) {
  KeyReader key(whole_key);
  switch (table_) {
    case Table::meta:
      return check_meta(key, payload);
    case Table::names:
      return check_name(whole_key, key, payload);
    case Table::shapes:
      return check_shape(key, payload);
    case Table::experiments:
      return check_experiment(key, payload);
    case Table::jobs:
      return check_job(key, payload);
    case Table::runs:
      return check_run(key, payload);
    case Table::attempts:
      return check_attempt(key, payload);
    case Table::chunks:
      return points_.chunk(whole_key, payload);
    case Table::tails:
    case Table::journals:
      return check_journal(key, payload);
    case Table::losses:
      highest_[static_cast<uint8_t>(Counter::loss)] = key.number<uint32_t>();
      decode_row<LossRow>(payload);
      return;
    default:
      return check_of_run(key, payload);
  }
}

void RowCheck::check_meta(KeyReader& key, ByteView payload) {
  switch (static_cast<MetaKind>(key.number<uint8_t>())) {
    case MetaKind::row_counts:
      told_ = decode_row_counts(payload);
      return;
    case MetaKind::repo_id:
      has_repo_id_ = without_version(payload, row_version, "repo id").size() >= 16;
      return;
    case MetaKind::next_number:
      counters_[key.number<uint8_t>()] = decode_number_32(payload);
      return;
  }
}

// An entry of an index must lead to the row of which it was made.
void RowCheck::check_index(Texts& texts, const Hash128& hash, ByteView payload, const char* what) {
  const uint32_t number = decode_number_32(payload);
  const auto row = texts.hashes.find(number);
  if (row == texts.hashes.end() || row->second != hash)
    say(number_text(number), std::string("an entry of the index leads to no such ") + what);
  texts.found.insert(number);
}

void RowCheck::check_name(ByteView whole_key, KeyReader& key, ByteView payload) {
  const auto kind = static_cast<NameKind>(key.number<uint8_t>());
  if (kind == NameKind::name || kind == NameKind::context) {
    const bool is_name = kind == NameKind::name;
    const auto number = key.number<uint32_t>();
    const ByteView text = without_version(payload, row_version, "name");
    (is_name ? names_ : contexts_).hashes[number] = hash128(text);
    highest_[static_cast<uint8_t>(is_name ? Counter::name : Counter::context)] = number;
    if (is_name) return points_.name(number, text);
    decode_value(text);
    return points_.context(number);
  }
  Hash128 hash;
  if (whole_key.size() != 1 + sizeof hash) return say("key " + hex_of(whole_key), "no such key");
  hash = key.id<sizeof hash>();
  if (kind == NameKind::name_hash) return check_index(names_, hash, payload, "name");
  check_index(contexts_, hash, payload, "context");
}

void RowCheck::check_shape(KeyReader& key, ByteView payload) {
  if (static_cast<ShapeKind>(key.number<uint8_t>()) == ShapeKind::hash)
    return check_index(shapes_, key.id<sizeof(Hash128)>(), payload, "shape");
  const auto number = key.number<ShapeNumber>();
  const auto row = decode_row<ShapeRow>(payload);
  shapes_.hashes[number] = row.hash;
  highest_[static_cast<uint8_t>(Counter::shape)] = number;
  points_.shape(number, row);
}

void RowCheck::check_experiment(KeyReader& key, ByteView payload) {
  if (static_cast<ExperimentKind>(key.number<uint8_t>()) == ExperimentKind::name_hash)
    return check_index(experiments_, key.id<sizeof(Hash128)>(), payload, "experiment");
  const auto number = key.number<ExperimentNumber>();
  experiments_.hashes[number] = hash128(decode_row<ExperimentRow>(payload).name);
  highest_[static_cast<uint8_t>(Counter::experiment)] = number;
}

void RowCheck::check_job(KeyReader& key, ByteView payload) {
  switch (static_cast<JobKind>(key.number<uint8_t>())) {
    case JobKind::job: {
      const auto number = key.number<JobNumber>();
      const auto row = decode_row<JobRow>(payload);
      jobs_[number] = row.experiment;
      highest_[static_cast<uint8_t>(Counter::job)] = number;
      if (experiments_.hashes.count(row.experiment) == 0)
        say(number_text(number), "its experiment is missing");
      return;
    }
    case JobKind::token: {
      const JobNumber number = decode_number_32(payload);
      if (jobs_.count(number) == 0) say(number_text(number), "a token leads to no job");
      jobs_by_token_.insert(number);
      return;
    }
    case JobKind::of_experiment: {
      const auto experiment = key.number<ExperimentNumber>();
      const auto number = key.number<JobNumber>();
      const auto job = jobs_.find(number);
      if (job == jobs_.end() || job->second != experiment)
        say(number_text(number), "an entry of the index leads to no such job");
      jobs_by_experiment_.insert(number);
      return;
    }
  }
}

void RowCheck::check_run_row(RunNumber number, ByteView payload) {
  const auto row = decode_row<RunRow>(payload);
  runs_.runs[number] = {row.id, row.job, row.trial_id, row.attempts, is_open(row.status)};
  highest_[static_cast<uint8_t>(Counter::run)] = number;
  if (jobs_.count(row.job) == 0) say(runs_.text(number), "its job is missing");
}

void RowCheck::check_run(KeyReader& key, ByteView payload) {
  const auto kind = static_cast<RunKind>(key.number<uint8_t>());
  if (kind == RunKind::run) return check_run_row(key.number<RunNumber>(), payload);
  if (kind == RunKind::trial_id) return;  // a text, of a run that is still to come
  const RunNumber number = decode_number_32(payload);
  const auto run = runs_.runs.find(number);
  bool fits = run != runs_.runs.end();
  if (kind == RunKind::id) {
    fits = fits && run->second.id.bytes == key.id<sizeof(RunId::bytes)>();
    runs_by_id_.insert(number);
  } else {
    fits = fits && run->second.job == key.number<JobNumber>();
    runs_by_trial_.insert(number);
  }
  if (!fits) say(number_text(number), "an entry of the index leads to no such run");
}

void RowCheck::check_attempt(KeyReader& key, ByteView payload) {
  const auto run = key.number<RunNumber>();
  const auto attempt = key.number<uint32_t>();
  points_.attempt(run, attempt, decode_row<AttemptRow>(payload));
  const auto facts = runs_.runs.find(run);
  if (facts == runs_.runs.end())
    say(runs_.text(run, attempt), "the run that it belongs to is missing");
  else if (attempt == 0 || attempt > facts->second.attempts)
    say(runs_.text(run, attempt), "the run does not know of it");
}

void RowCheck::check_of_run(KeyReader& key, ByteView payload) {
  const auto run = key.number<RunNumber>();
  if (table_ == Table::series) return points_.summaries(run, key.number<uint32_t>(), payload);
  if (!runs_.has(run)) say(runs_.text(run), "the run that it belongs to is missing");
  if (table_ == Table::objects) return points_.objects(run, payload);
  key.number<uint32_t>();
  if (table_ == Table::checkpoints) {
    decode_row<CheckpointRow>(payload);
    return;
  }
  const auto row = decode_row<ParamsRow>(payload);
  for (const Bytes& map : {row.params, row.config})
    if (!map.empty()) decode_value(map);
}

void RowCheck::check_journal(KeyReader& key, ByteView payload) {
  const auto kind = key.number<uint8_t>();
  if (table_ == Table::tails) {
    const auto journal = key.number<JournalNumber>();
    if (static_cast<TailKind>(kind) == TailKind::tail)
      return points_.tail(journal, key.number<uint64_t>(), payload);
    return points_.seal(journal, key.number<RunNumber>(), decode_number(payload));
  }
  if (static_cast<JournalKind>(kind) == JournalKind::journal) {
    const auto ring = key.id<sizeof(RingId)>();
    const auto row = decode_row<JournalRow>(payload);
    journals_[ring] = row;
    uint32_t& highest = highest_[static_cast<uint8_t>(Counter::journal)];
    highest = std::max(highest, row.number);
    if (row.job != 0 && jobs_.count(row.job) == 0)
      say("journal " + std::to_string(row.number), "its job is missing");
    return;
  }
  const auto journal = key.number<JournalNumber>();
  const auto run = key.number<RunNumber>();
  if (!runs_.has(run))
    say("journal " + std::to_string(journal), "it holds a run open that is missing");
}

void RowCheck::finish_runs() {
  table_ = Table::runs;
  for (const auto& [number, run] : runs_.runs) {
    if (runs_by_id_.count(number) == 0) say(runs_.text(number), "it is not found by its id");
    if (runs_by_trial_.count(number) == 0) say(runs_.text(number), "it is not found by its trial");
  }
  table_ = Table::attempts;
  for (const auto& [number, run] : runs_.runs) {
    for (uint32_t attempt = 1; attempt <= run.attempts; ++attempt)
      if (!points_.has_attempt(number, attempt)) say(runs_.text(number, attempt), "it is missing");
  }
  table_ = Table::jobs;
  for (const auto& [number, experiment] : jobs_) {
    if (jobs_by_token_.count(number) == 0) say(number_text(number), "no token leads to the job");
    if (jobs_by_experiment_.count(number) == 0)
      say(number_text(number), "its experiment does not list it");
  }
  const std::pair<Table, const Texts*> indexed[] = {{Table::names, &names_},
                                                    {Table::names, &contexts_},
                                                    {Table::shapes, &shapes_},
                                                    {Table::experiments, &experiments_}};
  for (const auto& [table, texts] : indexed) {
    table_ = table;
    for (const auto& [number, hash] : texts->hashes)
      if (texts->found.count(number) == 0) say(number_text(number), "it is not in its index");
  }
}

void RowCheck::check_counters() {
  table_ = Table::meta;
  if (!has_repo_id_) say("repo id", "it is missing");
  if (!told_) say("row counts", "they are missing");
  for (const auto& [counter, highest] : highest_) {
    const auto next = counters_.find(counter);
    if (next == counters_.end() || next->second <= highest)
      say("counter " + std::to_string(counter), "it would give a number a second time");
  }
  for (unsigned i = 1; told_ && i < table_count; ++i) {
    table_ = static_cast<Table>(i);
    if (damaged_.count(table_) > 0 || damaged_list_) continue;
    const uint64_t seen = rows_.count(table_) > 0 ? rows_.at(table_) : 0;
    if (seen != told_->rows[i])
      say("the whole table",
          std::to_string(seen) + " rows where there should be " + std::to_string(told_->rows[i]));
  }
}

void RowCheck::finish() {
  points_.finish();
  finish_runs();
  check_counters();
}

CheckCounts RowCheck::counts() const {
  CheckCounts counts;
  for (const auto& [table, rows] : rows_) counts.rows += rows;
  counts.runs = runs_.runs.size();
  const auto chunks = rows_.find(Table::chunks);
  counts.chunks = chunks == rows_.end() ? 0 : chunks->second;
  counts.results = points_.results();
  counts.points = points_.points();
  return counts;
}

}  // namespace aimlog::cli

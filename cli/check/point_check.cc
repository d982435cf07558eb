#include "cli/check/point_check.h"

#include <algorithm>

#include "plugin/model/result_codec.h"
#include "plugin/store/row_codec.h"
#include "plugin/store/store_format.h"
#include "plugin/store/tail_codec.h"

namespace aimlog::cli {
namespace {

std::string counted(uint64_t count, const char* thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

bool same_values(const SeriesSummary& a, const SeriesSummary& b) {
  return a.count == b.count && a.min == b.min && a.max == b.max && a.nan_count == b.nan_count &&
         a.infinite_count == b.infinite_count;
}

bool same_order(const SeriesSummary& a, const SeriesSummary& b) {
  return a.first == b.first && a.last == b.last && a.first_step == b.first_step &&
         a.last_step == b.last_step && a.min_step == b.min_step && a.max_step == b.max_step &&
         a.steps_rise == b.steps_rise;
}

}  // namespace

std::string RunNames::text(RunNumber number) const {
  const auto run = runs.find(number);
  if (run == runs.end()) return "run number " + std::to_string(number);
  return "run " + run->second.id.hex() + " (" + run->second.trial + ")";
}

std::string RunNames::text(RunNumber number, uint32_t attempt) const {
  return text(number) + ", attempt " + std::to_string(attempt);
}

void PointCheck::say(const char* table, const std::string& key, const std::string& what) {
  findings_.add({table, key, what, todo_repair});
}

bool PointCheck::has_series(SeriesKey key) const {
  return names_.count(key.name) > 0 && (key.context == 0 || contexts_.count(key.context) > 0);
}

std::string PointCheck::series_text(SeriesKey key) const {
  const auto name = names_.find(key.name);
  return (name == names_.end() ? "metric number " + std::to_string(key.name) : name->second) +
         (key.context == 0 ? "" : " in context " + std::to_string(key.context));
}

void PointCheck::shape(ShapeNumber number, const ShapeRow& row) {
  shapes_[number] = row;
  for (const NameId name : row.names) {
    if (!has_series({name, row.context}))
      say("shapes", "number " + std::to_string(number), "it names a metric that is missing");
  }
}

void PointCheck::attempt(RunNumber run, uint32_t attempt, const AttemptRow& row) {
  attempts_[{run, attempt}].sealed_results = row.sealed_results;
}

void PointCheck::summaries(RunNumber run, uint32_t attempt, ByteView payload) {
  for (const auto& [key, summary] : decode_row<SummaryMap>(payload)) {
    if (!has_series(key))
      say("series", runs_.text(run, attempt), "a summary is of a metric that is missing");
  }
  const auto facts = attempts_.find({run, attempt});
  if (facts == attempts_.end())
    say("series", runs_.text(run, attempt), "the attempt that it belongs to is missing");
  else
    facts->second.summaries = Bytes(payload);
}

void PointCheck::objects(RunNumber run, ByteView payload) {
  for (const auto& [key, object] : decode_row<ObjectMap>(payload)) {
    decode_value(object.last_value);
    if (!has_series(key)) say("objects", runs_.text(run), "a value is of a metric that is missing");
  }
}

void PointCheck::chunk(ByteView whole_key, ByteView payload) {
  const ChunkKey key = read_chunk_key(whole_key);
  const AttemptKey attempt{key.run, key.attempt};
  if (attempt != current_) {
    end_of_attempt();
    current_ = attempt;
  }
  const auto facts = attempts_.find(attempt);
  const std::string text =
      runs_.text(key.run, key.attempt) + ", chunk from " + std::to_string(key.first_sequence);
  if (facts == attempts_.end())
    say("chunks", text, "the attempt that it belongs to is missing");
  else
    facts->second.has_chunks = true;
  through_.insert(key.journal);
  broken_ = true;  // until the last of it is read
  const RowGroupReader reader(payload);
  if (reader.first_sequence() != key.first_sequence)
    say("chunks", text, "it begins with another result than its key says");
  if (key.journal != 0)
    sealed_[{attempt, key.journal}].push_back({reader.first_sequence(), reader.last_sequence()});
  add_columns(reader, text);
  rows_ += reader.rows();
  results_ += reader.rows();
  broken_ = false;
}

void PointCheck::add_columns(const RowGroupReader& reader, const std::string& key) {
  const std::vector<int64_t> steps = reader.steps();
  reader.times_ns();
  reader.epochs();
  for (const SeriesKey& series : reader.keys()) {
    if (!has_series(series)) say("chunks", key, "a column is of a metric that is missing");
    SeriesSummary& seen = seen_[series];
    const uint64_t before = seen.count;
    if (deep_)
      seen.add(steps, *reader.column(series));
    else
      seen.count += reader.column_head(series)->count();
    points_ += seen.count - before;
  }
}

void PointCheck::end_of_attempt() {
  const auto facts = attempts_.find(current_);
  if (facts != attempts_.end() && !broken_) compare(current_, facts->second);
  seen_.clear();
  rows_ = 0;
  through_.clear();
  broken_ = false;
}

void PointCheck::compare(const AttemptKey& key, const AttemptFacts& facts) {
  const std::string text = runs_.text(key.first, key.second);
  if (through_.count(0) == 0 && rows_ != facts.sealed_results)
    say("chunks", text,
        counted(rows_, "result") + " in its chunks where it should have " +
            std::to_string(facts.sealed_results));
  if (facts.summaries) compare_series(text, decode_row<SummaryMap>(*facts.summaries));
  if (!facts.summaries && !seen_.empty()) say("series", text, "its summaries are missing");
}

void PointCheck::compare_series(const std::string& run, const SummaryMap& stored) {
  const auto differs = [&](SeriesKey key, uint64_t seen, uint64_t told) {
    say("series", run + ", " + series_text(key),
        seen != told
            ? counted(seen, "point") + " in chunks where the summary says " + std::to_string(told)
            : "the summary is not that of its points");
  };
  for (const auto& [key, summary] : stored) {
    const auto seen = seen_.find(key);
    const SeriesSummary of_points = seen == seen_.end() ? SeriesSummary{} : seen->second;
    if (!same(of_points, summary)) differs(key, of_points.count, summary.count);
  }
  for (const auto& [key, summary] : seen_) {
    if (summary.count > 0 && stored.count(key) == 0) differs(key, summary.count, 0);
  }
}

// Sums may differ in their last bits. Journals of one attempt need not have been sealed in the
// order in which their chunks stand.
bool PointCheck::same(const SeriesSummary& seen, const SeriesSummary& told) const {
  if (!deep_) return seen.count == told.count;
  return same_values(seen, told) && (through_.size() > 1 || same_order(seen, told));
}

void PointCheck::tail(JournalNumber journal, uint64_t number, ByteView payload) {
  const std::string text =
      "journal " + std::to_string(journal) + ", tail " + std::to_string(number);
  const ByteView rest = without_version(payload, tail_version, "tail");
  const Bytes rows = payload[0] == tail_version_plain ? Bytes(rest) : unpack_tail(rest);
  ResultView result;
  each_tail_row(rows, [&](const TailRow& row) {
    waiting_[journal].push_back({row.run, row.attempt, row.sequence});
    if (attempts_.count({row.run, row.attempt}) == 0)
      say("tails", text, "a result is of an attempt that is missing");
    decode_result(row.result, result);
    const auto shape = shapes_.find(row.shape);
    if (shape == shapes_.end())
      say("tails", text, "a result has a shape that is missing");
    else if (shape->second.names.size() != result.numbers.size())
      say("tails", text, "a result has other columns than its shape");
    ++results_;
    for (const Number& each : result.numbers) points_ += each.exists() ? 1 : 0;
  });
}

void PointCheck::seal(JournalNumber journal, RunNumber run, uint64_t sequence) {
  if (!runs_.has(run))
    say("tails", "journal " + std::to_string(journal), "a seal is of a run that is missing");
  seals_[{journal, run}] = sequence;
}

bool PointCheck::is_in_chunk(JournalNumber journal, const WaitingRow& row) const {
  const auto chunks = sealed_.find({{row.run, row.attempt}, journal});
  if (chunks == sealed_.end()) return false;
  return std::any_of(chunks->second.begin(), chunks->second.end(), [&](const Sealed& chunk) {
    return chunk.first <= row.sequence && row.sequence <= chunk.last;
  });
}

void PointCheck::finish() {
  end_of_attempt();
  for (const auto& [key, facts] : attempts_) {
    if (!facts.has_chunks) compare(key, facts);
  }
  check_waiting();
}

void PointCheck::check_waiting() {
  for (const auto& [journal, rows] : waiting_) {
    for (const WaitingRow& row : rows) {
      const auto seal = seals_.find({journal, row.run});
      const bool sealed = seal != seals_.end() && row.sequence <= seal->second;
      if (sealed == is_in_chunk(journal, row)) continue;
      say("tails", runs_.text(row.run, row.attempt) + ", journal " + std::to_string(journal),
          sealed ? "a result that its seal says to be in a chunk is in none"
                 : "a result is in a chunk and not sealed: it would be shown twice");
    }
  }
}

}  // namespace aimlog::cli

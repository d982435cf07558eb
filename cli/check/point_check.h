// Points against what is said of them: chunks against the summaries and counts of their attempt,
// tails against shapes, seals and chunks.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cli/check/findings.h"
#include "plugin/model/ids.h"
#include "plugin/store/row_group.h"
#include "plugin/store/rows.h"
#include "plugin/store/series_table.h"
#include "plugin/store/tail_table.h"

namespace aimlog::cli {

struct RunFacts {
  RunId id;
  JobNumber job = 0;
  std::string trial;
  uint32_t attempts = 0;
  bool open = false;
};

// The runs that are there, by number, and what to call them.
struct RunNames {
  std::map<RunNumber, RunFacts> runs;
  bool has(RunNumber number) const { return runs.count(number) > 0; }
  std::string text(RunNumber number) const;  // "run 3fb0... (t1)"
  std::string text(RunNumber number, uint32_t attempt) const;
};

class PointCheck {
 public:
  PointCheck(const RunNames& runs, bool deep, Findings& findings)
      : runs_(runs), deep_(deep), findings_(findings) {}

  void name(NameId id, ByteView text) { names_.emplace(id, text); }
  void context(ContextId id) { contexts_.insert(id); }
  void shape(ShapeNumber number, const ShapeRow& row);
  // Attempts, then their summaries and objects, then their chunks, then tails, then seals.
  void attempt(RunNumber run, uint32_t attempt, const AttemptRow& row);
  void summaries(RunNumber run, uint32_t attempt, ByteView payload);
  void objects(RunNumber run, ByteView payload);
  void chunk(ByteView key, ByteView payload);
  void tail(JournalNumber journal, uint64_t number, ByteView payload);
  void seal(JournalNumber journal, RunNumber run, uint64_t sequence);

  bool has_attempt(RunNumber run, uint32_t attempt) const {
    return attempts_.count({run, attempt}) > 0;
  }
  bool has_series(SeriesKey key) const;
  // Behind the last tail and seal.
  void finish();
  uint64_t points() const { return points_; }
  uint64_t results() const { return results_; }

 private:
  using AttemptKey = std::pair<RunNumber, uint32_t>;
  struct AttemptFacts {
    uint64_t sealed_results = 0;
    std::optional<Bytes> summaries;  // the row
    bool has_chunks = false;
  };
  struct Sealed {
    uint64_t first = 0, last = 0;
  };
  struct WaitingRow {
    RunNumber run = 0;
    uint32_t attempt = 0;
    uint64_t sequence = 0;
  };

  void say(const char* table, const std::string& key, const std::string& what);
  std::string series_text(SeriesKey key) const;
  void add_columns(const RowGroupReader& reader, const std::string& key);
  void end_of_attempt();
  void compare(const AttemptKey& key, const AttemptFacts& facts);
  void compare_series(const std::string& run, const SummaryMap& stored);
  bool same(const SeriesSummary& seen, const SeriesSummary& told) const;
  void check_waiting();
  bool is_in_chunk(JournalNumber journal, const WaitingRow& row) const;

  const RunNames& runs_;
  const bool deep_;
  Findings& findings_;
  std::map<NameId, std::string> names_;
  std::set<ContextId> contexts_;
  std::map<ShapeNumber, ShapeRow> shapes_;
  std::map<AttemptKey, AttemptFacts> attempts_;

  // Of the attempt whose chunks come now.
  AttemptKey current_{};
  SummaryMap seen_;  // without --deep only counts
  uint64_t rows_ = 0;
  std::set<JournalNumber> through_;  // 0: imported, then results are not counted in rows
  bool broken_ = false;              // a chunk could not be read: counts cannot fit

  // The chunks of open journals, by attempt and journal; and the rows that wait in tails.
  std::map<std::pair<AttemptKey, JournalNumber>, std::vector<Sealed>> sealed_;
  std::map<JournalNumber, std::vector<WaitingRow>> waiting_;
  std::map<std::pair<JournalNumber, RunNumber>, uint64_t> seals_;
  uint64_t points_ = 0, results_ = 0;
};

}  // namespace aimlog::cli

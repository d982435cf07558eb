// The rows that were salvaged, decoded, by what they are about. Rows that nobody can decode are
// counted and left out.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "plugin/store/keys.h"
#include "plugin/store/row_codec.h"
#include "plugin/store/row_group.h"
#include "plugin/store/rows.h"
#include "plugin/store/salvage.h"
#include "plugin/store/store_format.h"
#include "plugin/store/tail_table.h"

namespace aimlog::cli {

// One result that waited in a tail.
struct SalvagedResult {
  JournalNumber journal = 0;
  uint64_t sequence = 0;
  ShapeNumber shape = 0;
  Bytes result;
};

struct SalvagedAttempt {
  std::optional<AttemptRow> row;
  bool old = false;  // the row may be an older version
  std::optional<SummaryMap> summaries;
  std::vector<std::pair<ChunkKey, SalvagedRow>> chunks;  // by key
  uint32_t chunks_damaged = 0;                           // whose rows are known to be lost
  std::vector<SalvagedResult> waiting;
};

struct SalvagedRun {
  std::optional<RunRow> row;
  std::optional<RunId> id;  // from the index
  JobNumber job = 0;        // likewise
  bool has_trial = false;   // the index leads from a trial to it
  bool old = false;         // the row may be an older version
  std::map<uint32_t, SalvagedAttempt> attempts;
  std::map<uint32_t, Bytes> params, checkpoints;  // rows by number
  std::optional<ObjectMap> objects;
  std::set<std::string> damaged;  // what of it is known to be lost: "params", ...
};

class SalvagedRepo {
 public:
  explicit SalvagedRepo(const Salvage& salvage);

  std::optional<Bytes> repo_id;  // the row
  std::map<uint8_t, uint32_t> counters;
  std::map<NameId, Bytes> names;
  std::map<ContextId, Bytes> contexts;
  std::map<ShapeNumber, ShapeRow> shapes;
  std::map<ExperimentNumber, ExperimentRow> experiments;
  std::map<JobNumber, JobRow> jobs;
  std::set<JobNumber> old_jobs;  // whose rows may be older versions
  std::map<JobToken, JobNumber> tokens;
  std::map<JobNumber, ExperimentNumber> experiment_of_job;
  std::map<RunNumber, SalvagedRun> runs;
  std::vector<std::pair<Bytes, Bytes>> trials;  // rows of the index, and of trials to come
  std::map<RingId, JournalRow> journals;
  std::set<RingId> old_journals;  // whose rows may be older than what was applied
  std::map<RunNumber, JournalNumber> opened_through;
  std::vector<Bytes> losses;
  uint64_t rows = 0, rows_searched = 0, rows_stale = 0, rows_undecodable = 0;

 private:
  void take(Table table, ByteView key, const SalvagedRow& row);
  void take_meta(KeyReader key, const Bytes& payload);
  void take_name(KeyReader key, const Bytes& payload);
  void take_job(KeyReader key, const SalvagedRow& row, const Bytes& payload);
  void take_run(ByteView whole_key, KeyReader key, const SalvagedRow& row, const Bytes& payload);
  void take_of_run(Table table, KeyReader key, const SalvagedRow& row, const Bytes& payload);
  void take_chunk(ByteView key, const SalvagedRow& row);
  void take_tail(KeyReader key, const Bytes& payload);
  void take_journal(KeyReader key, const SalvagedRow& row, const Bytes& payload);
  void take_damaged();
  void note_damaged(Table table, ByteView whole_key);

  const Salvage& salvage_;
};

}  // namespace aimlog::cli

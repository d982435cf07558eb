// Looks at every row of a repo: its checksum, whether it can be decoded, whether what it refers to
// is there, and whether counts fit. Gets the rows table by table, in the order of `Table`, so that
// what is referred to comes first.
#pragma once

#include <map>
#include <set>
#include <string>

#include "cli/check/findings.h"
#include "cli/check/point_check.h"
#include "plugin/store/checked_value.h"
#include "plugin/store/keys.h"
#include "plugin/store/page_walk.h"
#include "plugin/store/rows.h"

namespace aimlog::cli {

// What was looked at, for the last line.
struct CheckCounts {
  uint64_t rows = 0, runs = 0, chunks = 0, results = 0, points = 0;
};

class RowCheck : public PageVisitor {
 public:
  // `progress` is told the name of each table and, now and then, how many of its rows are done.
  RowCheck(std::filesystem::path file, bool deep, Findings& findings,
           std::function<void(const std::string&)> progress);

  void table(ByteView name, uint64_t entries) override;
  void row(ByteView table, ByteView key, ByteView value, uint64_t at) override;
  void damage(const PageDamage& damage) override;
  // Behind the last row.
  void finish();

  CheckCounts counts() const;
  const std::map<RingId, JournalRow>& journals() const { return journals_; }

 private:
  // Rows that are found by a number, and the index that finds them by something else.
  struct Texts {
    std::map<uint32_t, Hash128> hashes;
    std::set<uint32_t> found;
  };

  void say(const std::string& key, const std::string& what);
  void check(ByteView key, ByteView payload);
  void check_meta(KeyReader& key, ByteView payload);
  void check_name(ByteView whole_key, KeyReader& key, ByteView payload);
  void check_shape(KeyReader& key, ByteView payload);
  void check_experiment(KeyReader& key, ByteView payload);
  void check_job(KeyReader& key, ByteView payload);
  void check_run(KeyReader& key, ByteView payload);
  void check_run_row(RunNumber number, ByteView payload);
  void check_attempt(KeyReader& key, ByteView payload);
  void check_of_run(KeyReader& key, ByteView payload);
  void check_journal(KeyReader& key, ByteView payload);
  void check_index(Texts& texts, const Hash128& hash, ByteView payload, const char* what);
  void check_counters();
  void finish_runs();

  std::filesystem::path file_;
  Findings& findings_;
  std::function<void(const std::string&)> progress_;
  Table table_ = Table::meta;
  uint64_t rows_of_table_ = 0;
  std::map<Table, uint64_t> rows_;
  std::optional<RowCounts> told_;  // what the repo says that it holds
  std::map<uint8_t, uint32_t> counters_, highest_;
  bool has_repo_id_ = false;
  std::set<Table> damaged_;  // rows of these may be missing: no second finding about counts
  bool damaged_list_ = false;

  RunNames runs_;
  Texts names_, contexts_, shapes_, experiments_;
  std::map<JobNumber, ExperimentNumber> jobs_;
  std::set<JobNumber> jobs_by_token_, jobs_by_experiment_;
  std::set<RunNumber> runs_by_trial_, runs_by_id_;
  std::map<RingId, JournalRow> journals_;
  PointCheck points_;
};

}  // namespace aimlog::cli

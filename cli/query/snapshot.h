// One look at the repo: a read transaction with the unsealed rows and the names in it. Verbs fill
// their results from it and let it go before they write anything.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "plugin/model/value.h"
#include "plugin/store/environment.h"
#include "plugin/store/job_table.h"
#include "plugin/store/run_view.h"

namespace aimlog::cli {

using FlatMap = std::vector<std::pair<std::string, Value>>;

// A value of a context as it stands in a series' name and is given on the command line.
std::string text_in_context(const Value& value);

// How a series is called.
struct SeriesName {
  std::string metric;
  FlatMap context;           // flattened; empty = none
  Value context_value = {};  // as it was given

  std::string context_text() const;  // "subset=val,fold=3", or empty
  std::string text() const;          // "loss", "loss{subset=val}"
};
using SeriesNames = std::map<SeriesKey, SeriesName>;

// What is to be said on stderr of what was met: each text once, when this goes.
class Remarks {
 public:
  Remarks() = default;
  ~Remarks();
  Remarks(const Remarks&) = delete;
  Remarks& operator=(const Remarks&) = delete;
  void add(std::string text, std::string details) {
    texts_.emplace_back(std::move(text), std::move(details));
  }

 private:
  std::vector<std::pair<std::string, std::string>> texts_;
};

class Snapshot {
 public:
  explicit Snapshot(Environment& environment) : txn_(environment), tails_(txn_) {}

  const Transaction& txn() const { return txn_; }
  const Tails& tails() const { return tails_; }

  const JobRow& job(JobNumber number) { return *shared_job(number); }
  const std::shared_ptr<const JobRow>& shared_job(JobNumber number);
  const std::string& experiment_of(JobNumber number);
  const SeriesName& name(SeriesKey key);
  // All names asked for so far; taken along when the snapshot ends.
  SeriesNames take_names() { return std::move(names_); }
  // Said when the snapshot has ended: whoever reads stderr may be slow.
  void remark(std::string text, std::string details) {
    remarks_.add(std::move(text), std::move(details));
  }

 private:
  Remarks remarks_;  // before the transaction, to outlive it
  Transaction txn_;
  Tails tails_;
  std::map<JobNumber, std::shared_ptr<const JobRow>> jobs_;
  std::map<ExperimentNumber, std::string> experiments_;
  SeriesNames names_;
};

}  // namespace aimlog::cli

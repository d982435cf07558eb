// One look at the repo: a read transaction with the unsealed rows, and the words for what is in it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugin/model/value.h"
#include "plugin/store/environment.h"
#include "plugin/store/job_table.h"
#include "plugin/store/run_table.h"
#include "plugin/store/run_view.h"

namespace aimlog {

// What is asked for is not in the repo, or is there more than once; the text names what is near.
class LookupError : public Error {
 public:
  LookupError(bool ambiguous, const std::string& text)
      : Error(ErrorCode::not_found, text), ambiguous_(ambiguous) {}
  bool ambiguous() const { return ambiguous_; }

 private:
  bool ambiguous_;
};

struct NamedSeries {
  std::string metric;
  Value context;             // a map, or null
  std::string context_text;  // "subset=val,fold=3"; empty = no context

  std::string text() const;  // "loss", "loss{subset=val}"
  std::vector<std::pair<std::string, std::string>> flat_context() const;  // values as text
  // Whether the context has this value, given as text.
  bool has(std::string_view key, std::string_view value) const;
};

class RepoView {
 public:
  explicit RepoView(Environment& environment) : txn_(environment), tails_(txn_) {}

  const Transaction& txn() const { return txn_; }
  const Tails& tails() const { return tails_; }
  const JobRow& job(JobNumber number);
  const std::string& experiment_of(JobNumber number);
  const NamedSeries& series(SeriesKey key);

  // Those that `word` means (see aimlog_read.h), oldest first; all where it is empty. Throws
  // LookupError.
  std::vector<RunNumber> runs(std::string_view word) const;

 private:
  RunNumber find_run(std::string_view word) const;

  Transaction txn_;
  Tails tails_;
  std::map<JobNumber, JobRow> jobs_;
  std::map<ExperimentNumber, std::string> experiments_;
  std::map<SeriesKey, NamedSeries> series_;
};

// "; did you mean 'x'?", or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

}  // namespace aimlog

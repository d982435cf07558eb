#include "cli/repair/rebuild.h"

#include <algorithm>

#include "plugin/base/hash.h"
#include "plugin/base/random.h"
#include "plugin/model/value.h"
#include "plugin/store/job_table.h"
#include "plugin/store/journal_table.h"
#include "plugin/store/run_table.h"
#include "plugin/store/series_table.h"

namespace aimlog::cli {
namespace {

// What one transaction takes.
constexpr uint64_t batch_bytes_max = uint64_t{32} << 20;

std::string lost_name(const char* what, uint64_t number) {
  return std::string("lost-") + what + "-" + std::to_string(number);
}

template <typename Map>
uint32_t highest_of(const Map& map) {
  return map.empty() ? 0 : map.rbegin()->first;
}

}  // namespace

Rebuild::Rebuild(Environment& target, const Salvage& salvage, SalvagedRepo& repo,
                 std::set<RingId> replayed, RepairReport& report)
    : target_(target),
      repo_(repo),
      points_(salvage, repo),
      params_may_be_lost_(!salvage.is_whole(Table::params)),
      attempts_may_be_lost_(!salvage.is_whole(Table::attempts)),
      replayed_(std::move(replayed)),
      report_(report) {
  for (const auto& [ring, row] : repo.journals) {
    newest_journal_ = std::max(newest_journal_, row.number);
    if (replayed_.count(ring) > 0) replayed_journals_.insert(row.number);
  }
}

void Rebuild::run(const std::function<void(const std::string&)>& progress) {
  mend_jobs();
  with_write_transaction(target_, [&](WriteTransaction& txn) { put_jobs(txn); });
  auto next = repo_.runs.begin();
  while (next != repo_.runs.end()) {
    progress(std::to_string(report_.runs.size()) + " of " + std::to_string(repo_.runs.size()) +
             " runs");
    // All of this is done again where the map has to grow.
    auto end = next;
    std::vector<RunReport> reports;
    with_write_transaction(target_, [&](WriteTransaction& txn) {
      reports.clear();
      uint64_t bytes = 0;
      for (end = next; end != repo_.runs.end() && bytes < batch_bytes_max; ++end)
        bytes += put_run(txn, *end, reports.emplace_back());
    });
    report_.runs.insert(report_.runs.end(), reports.begin(), reports.end());
    next = end;
  }
  with_write_transaction(target_, [&](WriteTransaction& txn) {
    put_names(txn);
    put_trials(txn);
    put_counters(txn);
  });
}

// Jobs that runs or journals speak of, and the experiments of jobs, must be there.
void Rebuild::mend_jobs() {
  for (auto& [number, run] : repo_.runs) {
    if (run.row) mend_job(run.row->job);
    if (!run.row && run.job != 0) mend_job(run.job);
  }
  for (const auto& [ring, row] : repo_.journals)
    if (row.job != 0) mend_job(row.job);
  for (const auto& [token, job] : repo_.tokens) mend_job(job);
  const bool without_job = std::any_of(repo_.runs.begin(), repo_.runs.end(), [](const auto& each) {
    return !each.second.row && each.second.job == 0;
  });
  if (without_job) mend_job(0);
  for (const JobNumber number : repo_.old_jobs)
    report_.notes.push_back("maybe what job " + std::to_string(number) +
                            " came to, its end too, is lost: the row that was found may be older");
  for (const auto& [number, job] : repo_.jobs) {
    const auto [place, is_new] = repo_.experiments.try_emplace(job.experiment);
    if (!is_new) continue;
    place->second.name = lost_name("experiment", job.experiment);
    place->second.created_ns = job.created_ns;
    report_.notes.push_back("the name of experiment " + std::to_string(job.experiment) +
                            " is lost: it is called " + place->second.name);
  }
}

// 0: for the runs of which not even that is known, a job of their own.
void Rebuild::mend_job(JobNumber number) {
  if (number == 0) {
    number = std::max(highest_of(repo_.jobs), highest_of(repo_.experiment_of_job)) + 1;
    for (auto& [run_number, run] : repo_.runs)
      if (!run.row && run.job == 0) run.job = number;
  }
  const auto [place, is_new] = repo_.jobs.try_emplace(number);
  if (!is_new) return;
  JobRow& row = place->second;
  const auto experiment = repo_.experiment_of_job.find(number);
  row.experiment = experiment != repo_.experiment_of_job.end() ? experiment->second
                                                               : highest_of(repo_.experiments) + 1;
  row.token = random_128();
  for (const auto& [token, job] : repo_.tokens)
    if (job == number) row.token = token;
  repo_.tokens[row.token] = number;
  report_.notes.push_back("what is known of job " + std::to_string(number) + " is lost");
}

void Rebuild::put_jobs(WriteTransaction& txn) {
  if (repo_.repo_id) txn.put(Table::meta, Key(MetaKind::repo_id), *repo_.repo_id);
  for (const auto& [number, row] : repo_.experiments) {
    txn.put(Table::experiments, Key(ExperimentKind::experiment).add(number), encode_row(row));
    txn.put(Table::experiments, Key(ExperimentKind::name_hash).add(hash128(row.name)),
            encode_number(number));
  }
  for (const auto& [number, row] : repo_.jobs) {
    put_job(txn, number, row);
    txn.put(Table::jobs, Key(JobKind::of_experiment).add(row.experiment).add(number), {});
    bind_token(txn, row.token, number);
  }
  for (const auto& [token, job] : repo_.tokens) bind_token(txn, token, job);
  for (const auto& [number, row] : repo_.shapes) {
    txn.put(Table::shapes, Key(ShapeKind::shape).add(number), encode_row(row));
    txn.put(Table::shapes, Key(ShapeKind::hash).add(row.hash), encode_number(number));
    for (const NameId name : row.names) need({name, row.context});
  }
  for (const RingId& ring : replayed_) {
    const auto row = repo_.journals.find(ring);
    if (row != repo_.journals.end()) put_journal(txn, ring, row->second);
  }
  uint32_t number = 0;
  for (const Bytes& loss : repo_.losses) txn.put(Table::losses, Key().add(++number), loss);
}

void Rebuild::need(SeriesKey key) {
  needed_names_.insert(key.name);
  if (key.context != 0) needed_contexts_.insert(key.context);
}

void Rebuild::put_names(WriteTransaction& txn) {
  for (const NameId name : needed_names_) {
    if (!repo_.names.try_emplace(name, lost_name("name", name)).second) continue;
    report_.notes.push_back("the name of metric " + std::to_string(name) +
                            " is lost: it is called " + repo_.names[name]);
  }
  for (const ContextId context : needed_contexts_) {
    Bytes stand_in;
    append_value(stand_in, Value{ValueMap{{"lost-context", Value{Number::of(uint64_t{context})}}}});
    if (!repo_.contexts.try_emplace(context, stand_in).second) continue;
    const std::string number = std::to_string(context);
    report_.notes.push_back("context " + number + " of metrics is lost: it is called " +
                            "{\"lost-context\": " + number + "}");
  }
  const auto put = [&](NameKind text_kind, NameKind hash_kind, const auto& texts) {
    for (const auto& [number, text] : texts) {
      Bytes row(1, static_cast<char>(row_version));
      row.append(text);
      txn.put(Table::names, Key(text_kind).add(number), row);
      txn.put(Table::names, Key(hash_kind).add(hash128(text)), encode_number(number));
    }
  };
  put(NameKind::name, NameKind::name_hash, repo_.names);
  put(NameKind::context, NameKind::context_hash, repo_.contexts);
}

// The index by which a job that goes on finds its runs, and the trials whose runs are to come.
void Rebuild::put_trials(WriteTransaction& txn) {
  for (const auto& [key, row] : repo_.trials) {
    const bool to_come = static_cast<RunKind>(key[0]) == RunKind::trial_id;
    const Key of_run = Key(RunKind::trial).add_bytes(ByteView(key).substr(1));
    if (!to_come || !txn.get(Table::runs, of_run)) txn.put(Table::runs, key, row);
  }
}

// No number is given a second time.
void Rebuild::put_counters(WriteTransaction& txn) {
  const auto put = [&](Counter counter, uint32_t highest) {
    const auto id = static_cast<uint8_t>(counter);
    const uint32_t next = std::max(highest + 1, repo_.counters[id]);
    txn.put(Table::meta, Key(MetaKind::next_number).add(id), encode_number(next));
  };
  put(Counter::name, highest_of(repo_.names));
  put(Counter::context, highest_of(repo_.contexts));
  put(Counter::shape, highest_of(repo_.shapes));
  put(Counter::experiment, highest_of(repo_.experiments));
  put(Counter::job, highest_of(repo_.jobs));
  put(Counter::run, highest_of(repo_.runs));
  put(Counter::journal, newest_journal_);
  put(Counter::loss, static_cast<uint32_t>(repo_.losses.size()));
}

}  // namespace aimlog::cli

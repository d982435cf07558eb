// Several instances that work on one job in one repo.
#pragma once

#include <map>

#include "plugin/commit/batch_committer.h"
#include "plugin/commit/recovery.h"
#include "plugin/store/job_table.h"
#include "tests/support/catch.h"
#include "tests/unit/commit/journaled_repo.h"

namespace aimlog::test {

inline const std::vector<std::string> shared_names = {"x"};

// An instance of the plugin, without its threads. All of them work on one job.
class Host {
 public:
  explicit Host(std::shared_ptr<Environment> environment, unsigned char token)
      : environment_(std::move(environment)),
        ring_(Ring::create(environment_->paths().journals, 1 << 20)),
        batches_(std::make_unique<BatchCommitter>(environment_, *ring_, handover_, log_)) {
    write_event(*ring_, session({token}, 1, "job"));
    flush();  // as an instance does with its first record
    write_event(*ring_, shape(shared_names));
    for (const char* id : {"a", "b"}) write_event(*ring_, trial(id));
  }

  Host& start(const std::string& id) { return tell(test::start(id)); }
  Host& end(const std::string& id, TrialStatus status = TrialStatus::completed) {
    return tell(test::end(id, status));
  }
  Host& checkpoint(const std::string& id) {
    CheckpointEvent event;
    event.trial = trial_key(id);
    event.time_ns = 15;
    return tell(event);
  }
  Host& results(const std::string& id, int64_t count, int64_t first = 1) {
    for (int64_t step = first; step < first + count; ++step)
      write_result(*ring_, id, shared_names, {Number::of(step)}, step);
    return *this;
  }
  Host& tell(const Event& event) {
    write_event(*ring_, event);
    return *this;
  }
  void flush(bool last = false) {
    while (true) {
      const auto step = batches_->commit_batch(last);
      REQUIRE(step != BatchCommitter::Step::failed);
      if (step == BatchCommitter::Step::idle) return;
    }
  }
  void destroy() {
    tell(CloseEvent{40});
    flush(true);
    batches_->remove_ring();
    die();
  }
  void die() {
    batches_.reset();
    ring_.reset();
  }

 private:
  const std::shared_ptr<Environment> environment_;
  Handover handover_;
  Log log_{{}, {}, Severity::off};
  std::unique_ptr<Ring> ring_;
  std::unique_ptr<BatchCommitter> batches_;
};

struct SharedRepo : JournaledRepo {
  SharedRepo() { ring.reset(); }

  Host host() { return Host(environment, ++hosts); }
  // "STATUS: STATUS RESULTS, ..." of a run and its attempts.
  std::string told(const std::string& id) {
    const RunNumber number = run(id);
    const Transaction txn(*environment);
    const Tails tails(txn);
    const RunRow row = get_run(txn, number);
    std::string text = status_name(row.status);
    for (uint32_t i = 1; i <= row.attempts; ++i) {
      text += i == 1 ? ": " : ", ";
      text += std::string(status_name(get_attempt(txn, number, i)->status)) + " " +
              std::to_string(read_result_count(txn, tails, number, i));
    }
    return text;
  }
  void recover() { CHECK(recover_dead_journals(*environment).problems.empty()); }
  JobRow job() { return get_job(Transaction(*environment), 1); }

  // What `aimlog check --deep` compares.
  void check_sums() {
    const Transaction txn(*environment);
    const Tails tails(txn);
    each_run(txn, [&](RunNumber number, const RunRow& row) {
      std::map<uint32_t, uint64_t> counts;
      for (const auto& [key, summary] : read_summaries(txn, tails, number)) {
        const auto points = read_all_points(txn, tails, number, key);
        for (const Point& point : points) ++counts[point.attempt];
        SeriesSummary computed;
        for (const Point& point : default_view(points)) computed.add(point.step, point.value);
        CHECK((summary.count == computed.count && summary.last == computed.last));
      }
      for (uint32_t i = 1; i <= row.attempts; ++i)
        CHECK(read_result_count(txn, tails, number, i) == counts[i]);
    });
  }

  unsigned char hosts = 0;
};

}  // namespace aimlog::test

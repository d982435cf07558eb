// Random histories of several journals that write the same runs.
#include <random>

#include "plugin/store/journal_table.h"
#include "tests/unit/commit/shared_repo.h"

namespace aimlog::test {
namespace {

// What several hosts of one job may say and do, in any order.
class ManyHosts : public SharedRepo {
 public:
  explicit ManyHosts(unsigned seed) : random_(seed) {}

  void step() {
    if (hosts_.empty() || (hosts_.size() < 3 && one_in(4))) {
      hosts_.push_back(std::make_unique<Host>(environment, ++hosts));
      return;
    }
    const size_t which = random_() % hosts_.size();
    const unsigned kind = random_() % 16;
    if (kind == 0) {
      leave(*hosts_[which]);
      hosts_.erase(hosts_.begin() + static_cast<std::ptrdiff_t>(which));
    } else if (kind == 1) {
      recover();
    } else if (kind < 5) {
      hosts_[which]->flush();
      check_sums();
      check_charge();
    } else {
      tell(*hosts_[which], one_in(2) ? "a" : "b", kind);
    }
  }
  void finish() {
    for (const auto& host : hosts_) leave(*host);
    recover();
    check_sums();
    const Transaction txn(*environment);
    each_run(txn, [&](RunNumber number, const RunRow& row) { check_is_over(txn, number, row); });
    CHECK(txn.count(Table::journals) == 0);
    CHECK(txn.count(Table::tails) == 0);
  }

 private:
  bool one_in(unsigned count) { return random_() % count == 0; }

  void leave(Host& host) {
    if (one_in(2))
      host.destroy();
    else
      host.die();
  }
  void tell(Host& host, const std::string& id, unsigned kind) {
    if (kind < 8) {
      host.start(id);
    } else if (kind == 8) {
      host.end(id, one_in(2) ? TrialStatus::paused : TrialStatus::completed);
    } else if (kind == 9) {
      host.tell(FailureEvent{trial_key(id), 25, one_in(2), 0, "why"});
    } else if (kind == 10) {
      host.checkpoint(id);
    } else if (kind == 11) {
      if (one_in(3)) host.tell(ExperimentEndEvent{30, false});
    } else {
      host.results(id, kind - 11, 1 + static_cast<int64_t>(random_() % 9));
      told_[id] += kind - 11;
    }
  }
  // One journal has an open run, and at most one attempt of it runs.
  void check_charge() {
    const Transaction txn(*environment);
    each_run(txn, [&](RunNumber number, const RunRow& row) {
      size_t holders = 0;
      for (JournalNumber each = 1; each <= hosts; ++each) holders += is_open_run(txn, each, number);
      CHECK(holders == (is_open(row.status) ? 1 : 0));
      size_t running = 0;
      for (uint32_t i = 1; i <= row.attempts; ++i)
        running += get_attempt(txn, number, i)->status == TrialStatus::running;
      CHECK(running == (row.status == TrialStatus::running ? 1 : 0));
    });
  }
  void check_is_over(const Transaction& txn, RunNumber number, const RunRow& row) {
    CHECK_FALSE(is_open(row.status));
    uint64_t results = 0;
    for (uint32_t i = 1; i <= row.attempts; ++i) {
      const auto attempt = get_attempt(txn, number, i);
      CHECK(attempt->ended_ns != 0);
      CHECK(attempt->status != TrialStatus::running);
      results += attempt->sealed_results;
    }
    CHECK(results == told_[row.trial_id]);
  }

  std::mt19937 random_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::map<std::string, uint64_t> told_;
};

TEST_CASE("AfterAnyHistoryOfManyJournalsNothingIsLostAndNothingIsOpen") {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    ManyHosts repo(seed);
    for (int i = 0; i < 150; ++i) repo.step();
    repo.finish();
  }
}

}  // namespace
}  // namespace aimlog::test

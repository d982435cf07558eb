#include "tests/simulator/history.h"

#include <algorithm>
#include <cerrno>

#include "plugin/commit/recovery.h"
#include "plugin/journal/ring_format.h"
#include "plugin/store/environment_state.h"
#include "plugin/store/journal_table.h"
#include "plugin/store/page_check.h"
#include "tests/simulator/compare.h"
#include "tests/simulator/fault.h"
#include "tests/simulator/system_calls.h"

namespace aimlog::sim {

namespace fs = std::filesystem;

namespace {

std::string read_area(const Journal& journal) {
  return read_whole(journal.path).substr(ring_header_bytes);
}

void put_area(const Journal& journal, const std::string& area) {
  write_whole(journal.path, read_whole(journal.path).substr(0, ring_header_bytes) + area);
}

}  // namespace

History::History(uint64_t seed, const fs::path& blank, const fs::path& directory, Tally& tally)
    : random_(seed), heavy_(seed % 3 == 1), directory_(directory), tally_(tally), disk_(random_) {
  fs::create_directories(directory_);
  if (!random_.one_in(8)) fs::copy(blank, directory_, fs::copy_options::recursive);
  system_random = Random(seed ^ 0x5eed);
  clock_ns = INT64_C(1'000'000'000'000);
  initial_map_bytes = random_.one_in(2) ? size_t{16} << 20 : size_t{256} << 10;
  disk_.watch(RepoPaths(directory_).root);
  disk_.meanwhile = [this] {
    if (!is_committing() || !random_.one_in(3)) return;
    Writer* writer = random_writer();
    if (writer->is_telling() || writer->is_closing()) return;
    for (uint64_t i = random_.between(1, 6); i > 0; --i) writer->tell();
  };
  on_sleep = [this] {
    if (disk_.death() != Death::none || writers_.empty() || is_committing()) return;
    if (random_.one_in(3)) commit(*random_writer());
  };
  current_disk = &disk_;
}

History::~History() {
  writers_.clear();
  environment_.reset();
  current_disk = nullptr;
  on_sleep = nullptr;
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

void History::run() {
  try {
    for (uint64_t lives = random_.between(1, 4); lives > 0; --lives) live();
    end_quietly();
  } catch (const Broken&) {
    throw;
  } catch (const std::exception& error) {
    throw Broken("NothingThrows", error.what());
  }
  ++tally_.histories;
  for (const auto& journal : journals_) tally_.events += journal->log->records.size();
  tally_.failed_calls += disk_.failed_calls();
}

void History::live() {
  ++tally_.lives;
  if (random_.one_in(4)) plan_trouble(30);
  if (!open() || !recover()) return;
  make_writers();
  if (disk_.death() == Death::none) work();
  end_life();
}

// At the end no trouble is left: then everything must be there.
void History::end_quietly() {
  disk_.plan_nothing();
  expect(open() && recover(), "RepoOpens", "not even without trouble");
  check_pages(environment_->paths(), false, true);
  environment_.reset();
}

void History::plan_trouble(uint64_t calls) {
  const uint64_t kind = random_.below(4);
  if (kind == 0) return disk_.die_in(random_.below(calls), Death::kill);
  if (kind == 1) return disk_.die_in(random_.below(calls), Death::power_cut);
  const int errors[] = {EIO, ENOSPC, 0};
  const uint64_t times = random_.one_in(3) ? random_.between(1, 30) : 1;
  disk_.fail_in(random_.below(calls), errors[random_.below(3)], times);
}

// False: the process died meanwhile.
bool History::open() {
  for (int tries = 0;; ++tries) {
    try {
      environment_ = Environment::open(directory_, OpenMode::create);
      break;
    } catch (const Error& error) {
      if (disk_.death() != Death::none) {
        crash();
        return false;
      }
      const bool was_quiet = tries > 0;
      expect(!was_quiet, "RepoOpens", error.what());
      disk_.plan_nothing();
    }
  }
  if (disk_.death() != Death::none) {
    crash();
    return false;
  }
  look_at_journals();
  return true;
}

// Which records of the dead stand: what the store says is applied, and what is in the rings.
void History::look_at_journals() {
  const Transaction txn(*environment_);
  for (const auto& journal : journals_) {
    if (journal->concluded) continue;
    const auto row = find_journal(txn, journal->id);
    const bool ring_there = fs::exists(journal->path);
    if (!row && !ring_there) {
      journal->concluded = true;
      continue;
    }
    const uint64_t applied = row ? row->applied.sequence : 0;
    expect(applied >= journal->durable, "CommittedIsThere",
           "sequence " + std::to_string(journal->durable) + " was committed, the store has " +
               std::to_string(applied));
    const bool first_look = !std::exchange(journal->looked_at, true);
    // Less than at the first look where a commit that failed was there until a power cut took it.
    journal->applied_at_death = first_look ? applied : std::min(journal->applied_at_death, applied);
    if (!ring_there) continue;
    for (const Record& record : journal->log->records) {
      const bool safe = !first_look || !record.acknowledged || record.sequence <= applied ||
                        journal->log->holds(record, journal->area_at_death);
      expect(
          safe, "NothingIsLost",
          "record " + std::to_string(record.sequence) + " is neither in the store nor in the ring");
    }
    journal->log->settle(applied, read_area(*journal));
  }
}

bool History::recover() {
  for (int tries = 0;; ++tries) {
    std::string problem;
    try {
      const RecoveryReport report = recover_dead_journals(*environment_);
      if (!report.problems.empty()) problem = report.problems[0];
    } catch (const Error& error) {
      problem = error.what();
    }
    if (disk_.death() != Death::none) {
      ++tally_.deaths_in_recovery;
      crash();
      return false;
    }
    if (problem.empty()) break;
    expect(tries == 0, "RepoRecovers", problem);
    disk_.plan_nothing();
    environment_->reopen();
  }
  for (const auto& journal : journals_) {
    if (!journal->dead) continue;
    expect(!fs::exists(journal->path), "RecoveredRingsAreGone", journal->path.string());
    journal->concluded = true;
  }
  check_all();
  return true;
}

void History::check_all() {
  std::vector<Journal*> unsure;
  for (const auto& journal : journals_) {
    if (journal->dead && std::exchange(journal->end_is_unsure, false)) {
      unsure.push_back(journal.get());
    }
  }
  // One of the ways in which they may have ended must fit.
  for (unsigned way = 0;; ++way) {
    for (size_t i = 0; i < unsure.size(); ++i) unsure[i]->ended_in_order = (way >> i & 1) != 0;
    try {
      return check_model();
    } catch (const Broken&) {
      if (way + 1 == 1u << unsure.size()) throw;
    }
  }
}

void History::check_model() {
  Model model;
  uint64_t life = 0;
  for (const auto& journal : journals_) {
    if (life != journal->life) {
      // Shapes are the whole repo's: one writer's rest may need what another one had committed.
      life = journal->life;
      for (const auto& other : journals_) {
        if (other->life == life) model.learn_shapes(*other->log, other->applied_at_death);
      }
    }
    const uint64_t last = journal->dead ? UINT64_MAX : applied_of_live(*journal);
    model.apply(journal->number, *journal->log, last);
    if (!journal->dead) continue;
    model.conclude(journal->number, journal->ended_in_order);
    model.losses.missing += journal->log->missing_between();
  }
  compare(*environment_, model, power_cuts_ * journals_.size());
}

// What a writer knows to be in the store; or more, where its last commit came through although it
// was told that it failed.
uint64_t History::applied_of_live(const Journal& journal) {
  const auto row = find_journal(Transaction(*environment_), journal.id);
  const uint64_t applied = row ? row->applied.sequence : 0;
  for (size_t i = 0; i < writers_.size(); ++i) {
    if (live_journals_[i] != &journal) continue;
    const uint64_t known = writers_[i]->batches().applied().sequence;
    const bool fits = writers_[i]->has_failed() ? applied >= known : applied == known;
    expect(fits, "CommittedIsThere",
           "the store has " + std::to_string(applied) + ", its writer knows of " +
               std::to_string(known));
  }
  return applied;
}

void History::make_writers() {
  const uint64_t count = random_.one_in(5) ? 2 : 1;
  for (uint64_t i = 0; i < count && disk_.death() == Death::none; ++i) {
    auto journal = std::make_unique<Journal>();
    journal->number = journals_.size() + 1;
    journal->life = tally_.lives;
    journal->job = "job-" + std::to_string(i);
    const uint64_t ring_bytes = ring_bytes_min + (random_.one_in(3) ? ring_header_bytes * 3 : 0);
    try {
      writers_.push_back(
          std::make_unique<Writer>(environment_, *journal, ring_bytes, random_, value_, heavy_));
    } catch (const Error&) {
      continue;  // the disk's trouble: a host goes on without
    }
    live_journals_.push_back(journal.get());
    journals_.push_back(std::move(journal));
  }
}

bool History::is_committing() const {
  return std::any_of(writers_.begin(), writers_.end(),
                     [](const auto& writer) { return writer->is_committing(); });
}

Writer* History::random_writer() {
  return writers_.empty() ? nullptr : writers_[random_.below(writers_.size())].get();
}

void History::work() {
  if (writers_.empty()) return;
  if (!random_.one_in(3)) plan_trouble(60);
  for (uint64_t steps = random_.between(3, 30); steps > 0; --steps) {
    step();
    if (disk_.death() != Death::none) return;
    if (random_.one_in(20)) plan_trouble(10);
  }
}

void History::step() {
  Writer& writer = *random_writer();
  const uint64_t kind = random_.below(20);
  if (kind < 10) {
    for (uint64_t events = random_.between(1, 12); events > 0; --events) writer.tell();
  } else if (kind < 17) {
    commit(writer);
  } else if (kind < 18) {
    for (Journal* journal : live_journals_) journal->log->remember();
  } else if (kind < 19) {
    if (writer.has_room() && random_.one_in(3)) interrupt(writer);
  } else if (random_.one_in(4)) {
    writer.end_experiment();
  }
}

// A hook that is stopped behind any instruction: the committer comes in between, or the process is
// killed there.
void History::interrupt(Writer& writer) {
  const uint64_t instructions = random_.between(1, 400);
  if (random_.one_in(2)) {
    writer.tell_interrupted(instructions, true, [&] { commit(writer); });
    return;
  }
  Journal* journal = nullptr;
  for (size_t i = 0; i < writers_.size(); ++i) {
    if (writers_[i].get() == &writer) journal = live_journals_[i];
  }
  journal->area_at_death.assign(journal->log->bytes().size(), '\0');
  writer.tell_interrupted(instructions, false, [&] {
    journal->log->copy_to(journal->area_at_death);
    disk_.die(Death::kill);
  });
  if (disk_.death() == Death::none) {
    journal->area_at_death.clear();
    return;
  }
  ++tally_.kills_in_hooks;
}

void History::commit(Writer& writer) {
  if (writer.published() == 0) return;
  const auto step = writer.commit(false);
  if (step == BatchCommitter::Step::failed) return;
  ++tally_.commits;
  if (!writer.is_telling() && random_.one_in(16)) check_all();
}

void History::end_life() {
  if (disk_.death() != Death::none) return crash();
  const uint64_t kind = random_.below(4);
  if (kind == 0) close_in_order();
  if (disk_.death() == Death::none && kind == 0) return;
  disk_.die(kind == 1 ? Death::power_cut : Death::kill);
  crash();
}

void History::close_in_order() {
  for (size_t i = 0; i < writers_.size(); ++i) {
    const bool done = writers_[i]->close();
    live_journals_[i]->ended_in_order = writers_[i]->committed_last();
    // The last commit may have come through although it failed.
    live_journals_[i]->end_is_unsure = writers_[i]->has_failed();
    if (disk_.death() != Death::none) return;
    if (!done) continue;
    live_journals_[i]->concluded = true;
    live_journals_[i]->applied_at_death = UINT64_MAX;  // all of it
    ++tally_.closes;
  }
  disk_.plan_nothing();
  crash();
}

// The end of a process: in order where the disk did not see it die.
void History::crash() {
  const Death death = disk_.death();
  if (death == Death::kill) ++tally_.kills;
  if (death == Death::power_cut) ++tally_.power_cuts, ++power_cuts_;
  writers_.clear();
  live_journals_.clear();
  environment_.reset();
  keep_areas();
  disk_.settle();
  if (death == Death::power_cut) cut_areas();
}

void History::keep_areas() {
  for (const auto& journal : journals_) {
    if (std::exchange(journal->dead, true) || !fs::exists(journal->path)) continue;
    if (!journal->area_at_death.empty()) {  // killed in the middle of a hook
      put_area(*journal, journal->area_at_death);
    } else {
      journal->area_at_death = read_area(*journal);
    }
  }
}

void History::cut_areas() {
  for (const auto& journal : journals_) {
    if (journal->concluded || !fs::exists(journal->path)) continue;
    put_area(*journal, journal->log->cut(read_area(*journal), random_));
    journal->log->became_durable();
  }
}

}  // namespace aimlog::sim

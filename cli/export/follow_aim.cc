#include "cli/export/follow_aim.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <thread>

#include "cli/export/live_runs.h"
#include "cli/export/run_watch.h"
#include "cli/export/stop_sign.h"
#include "cli/failure.h"
#include "cli/output/terminal.h"
#include "cli/query/repo.h"
#include "plugin/base/clock.h"
#include "plugin/base/error.h"

namespace aimlog::cli {
namespace {

constexpr int64_t tick_ms = 1000;
constexpr int64_t second_ns = 1'000'000'000;
constexpr size_t slice_runs = 32;
constexpr int64_t refresh_interval_ns = 10 * second_ns;
// Of the time spent on making runs appear, at most so large a part goes into the index.
constexpr int64_t index_share = 5;
constexpr int64_t rest_max_ns = 30 * second_ns;
// After something that may pass: a full disk, a run that cannot be read.
constexpr int64_t again_after_ns = 10 * second_ns;

double seconds(int64_t time_ns) { return static_cast<double>(time_ns) / 1e9; }

class Follower {
 public:
  Follower(const Args& args, AimChoice& choice, const aim::AimPaths& paths)
      : args_(args),
        choice_(choice),
        paths_(paths),
        watch_(choice),
        until_stdin_ends_(args.has("--until-stdin-ends")),
        stop_(until_stdin_ends_),
        publisher_(paths, choice.options().split_attempts ? "split" : "merged",
                   choice.options().keep_nan, own_aim_params()),
        live_(paths),
        shown_(::isatty(STDERR_FILENO) != 0) {}

  int run();

 private:
  bool open_repo_when_there();
  void recover();
  void tell_once(const std::string& text);
  void tell(const aim::PublishReport& report);
  void take_up_unread();
  void tick();
  void append(std::vector<std::pair<std::string, MappedRun>> news);
  void drop_deleted();
  void if_possible(const std::string& what, const std::function<void()>& work);
  void beat();
  void pass();
  void judge(std::vector<ToWrite>& runs);
  void publish_some(const std::vector<ToWrite>& runs);
  void take_over(const ToWrite& run, Staged& staged);
  void refresh_index();
  int64_t rest_ns() const { return std::min(index_share * index_cost_ns_, rest_max_ns); }
  bool is_over() const;
  void settle();
  int finish();
  void show();

  const Args& args_;
  AimChoice& choice_;
  const aim::AimPaths& paths_;
  RunWatch watch_;
  bool until_stdin_ends_;
  StopSign stop_;
  aim::Publisher publisher_;
  LiveRuns live_;
  std::shared_ptr<Environment> environment_;
  std::map<std::string, ToWrite> pending_;      // to be written as a whole, by Aim's hash
  std::map<std::string, ToWrite> unread_;       // left alone until next_unread_ns_
  std::map<std::string, AimSubject> subjects_;  // of live runs, as they were read last
  std::set<std::string> told_;                  // what was said once
  size_t points_ = 0;
  int64_t next_pass_ns_ = 0, next_unread_ns_ = 0;
  int64_t index_cost_ns_ = 0;  // of the last one
  int64_t next_refresh_ns_ = 0;
  bool heads_moved_ = false;   // of live runs, since the index was written
  bool index_wanted_ = false;  // it lacks a series of a live run
  double behind_s_ = 0;
  bool shown_;
};

bool Follower::open_repo_when_there() {
  for (bool stopped = false;; stopped = stop_.wait(tick_ms)) {
    std::string missing;
    try {
      environment_ = open_repo(args_);
      return true;
    } catch (const Failure& failure) {
      missing = failure.what();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::not_found) throw;
      missing = error.what();
    }
    if (stopped) return false;
    tell_once("waiting: " + missing);
  }
}

void Follower::tell_once(const std::string& text) {
  if (told_.insert(text).second) complain(text);
}

void Follower::tell(const aim::PublishReport& report) {
  for (const aim::MendedRun& each : report.mended) tell_once(text_of(each));
  for (const aim::UnreadRun& each : report.unread) tell_once(text_of(each));
}

// Whoever has leave to write replays what dead writers left: their runs have crashed.
void Follower::recover() {
  if (watch_.writers().dead == 0 || !environment_->writable()) return;
  try {
    for (const std::string& problem : recover_dead_journals(*environment_).problems)
      tell_once(problem);
  } catch (const Error& error) {
    tell_once(error.what());
  }
}

void Follower::drop_deleted() {
  for (const std::string& hash : live_.hashes()) {
    if (!publisher_.is_deleted(hash)) continue;
    live_.drop_deleted(hash);
    if (told_.insert(hash).second)
      complain("the run " + hash + " was deleted in Aim and will not come back");
  }
}

// Runs that could not be read may be so again.
void Follower::take_up_unread() {
  if (unread_.empty() || monotonic_ns() < next_unread_ns_) return;
  pending_.merge(unread_);
  unread_.clear();
}

void Follower::tick() {
  if_possible("what was deleted in Aim is not seen", [&] { drop_deleted(); });
  std::vector<std::pair<std::string, MappedRun>> news;
  {
    Snapshot snapshot(*environment_);
    for (ToWrite& each : watch_.look(*environment_, snapshot)) {
      const std::string hash = each.subject.hash;
      auto mapped = each.is_live && live_.has(hash) && pending_.count(hash) == 0
                        ? live_.read(snapshot, each.subject, choice_.options())
                        : std::nullopt;
      if (mapped) {
        news.emplace_back(hash, std::move(*mapped));
        subjects_[hash] = std::move(each.subject);
      } else {
        (unread_.count(hash) > 0 ? unread_ : pending_)[hash] = std::move(each);
      }
    }
  }
  append(std::move(news));
  beat();
  take_up_unread();
  if (monotonic_ns() >= next_pass_ns_) pass();
  recover();
}

void Follower::append(std::vector<std::pair<std::string, MappedRun>> news) {
  for (auto& [hash, mapped] : news) {
    points_ += mapped.points;
    heads_moved_ = true;
    double newest_s = 0;
    for (const aim::AimSeries& series : mapped.run.series)
      if (!series.points.empty()) newest_s = std::max(newest_s, series.points.back().time_s);
    if (!live_.write(hash, std::move(mapped), index_wanted_))
      pending_[hash] = {subjects_[hash], true};
    if (newest_s > 0) behind_s_ = seconds(wall_clock_ns()) - newest_s;
  }
}

// What cannot be done now (the disk is full, say) is told once and done at a later tick.
void Follower::if_possible(const std::string& what, const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    if (told_.insert(what).second) complain(what + ": " + error.what());
  }
}

void Follower::beat() {
  if_possible("heartbeats for Aim wait", [&] { live_.beat(); });
}

// Takes those of the pending runs that may be written, live ones first. Their databases are closed.
void Follower::judge(std::vector<ToWrite>& runs) {
  if (pending_.empty()) return;
  publisher_.refresh();
  for (auto each = pending_.begin(); each != pending_.end();) {
    const auto& [hash, told] = *each;
    live_.end(hash);
    const aim::Verdict verdict = publisher_.judge(hash, told.subject.fingerprint);
    if (verdict == aim::Verdict::in_use) {
      if (told_.insert(hash).second)
        complain("the run " + hash + " is open for writing in Aim and left alone until it is not");
    } else if (verdict == aim::Verdict::deleted) {
      live_.unmark(hash);
      if (told_.insert(hash).second)
        complain("the run " + hash + " had been deleted in Aim and will not come back");
    } else if (verdict == aim::Verdict::write || told.is_live) {
      runs.push_back(told);
    }
    const bool waits = verdict == aim::Verdict::in_use;
    each = waits ? std::next(each) : pending_.erase(each);
  }
  std::stable_partition(runs.begin(), runs.end(), [](const ToWrite& run) { return run.is_live; });
}

void Follower::pass() {
  std::vector<ToWrite> runs;
  std::string problem;
  try {
    judge(runs);
    if (runs.empty())
      refresh_index();
    else
      publish_some(runs);
    return;
  } catch (const Error& error) {
    problem = error.what();
  } catch (const std::filesystem::filesystem_error& error) {
    problem = error.what();
  }
  tell_once(problem);
  publisher_.discard();
  for (ToWrite& each : runs) pending_.emplace(each.subject.hash, std::move(each));
  next_pass_ns_ = monotonic_ns() + again_after_ns;
}

// As many as can be staged in about a second, or in some times of what the index costs; the others
// wait for the next pass.
void Follower::publish_some(const std::vector<ToWrite>& runs) {
  const int64_t begun = monotonic_ns();
  const int64_t budget = std::max(second_ns, index_share * index_cost_ns_);
  Staged all;
  size_t& done = all.runs;
  while (done < runs.size() && monotonic_ns() - begun < budget) {
    Staged staged =
        stage_some(*environment_, publisher_, runs, done, slice_runs, choice_.options(), [] {});
    done += staged.runs;
    for (const auto& [hash, points] : staged.points) points_ += points;
    all.live.merge(staged.live);
    for (const aim::UnreadRun& each : staged.unread) all.unread.push_back(each);
    beat();
  }
  for (size_t i = done; i < runs.size(); ++i) pending_.emplace(runs[i].subject.hash, runs[i]);
  const int64_t staged = monotonic_ns();
  const aim::PublishReport report = publisher_.publish(aim::SharedNames::may_stay);
  tell(report);
  index_wanted_ = heads_moved_ = false;
  index_cost_ns_ = monotonic_ns() - staged;
  next_pass_ns_ = monotonic_ns() + (done == runs.size() ? rest_ns() : 0);
  for (size_t i = 0; i < done; ++i) {
    const std::string& hash = runs[i].subject.hash;
    if (report.taken.count(hash) > 0)
      pending_.emplace(hash, runs[i]);
    else
      take_over(runs[i], all);
  }
  for (const aim::UnreadRun& each : all.unread) tell_once(text_of(each));
}

// A run behind a pass: it is live from now on, or done with, or was left alone.
void Follower::take_over(const ToWrite& run, Staged& staged) {
  const AimSubject& subject = run.subject;
  const auto start = staged.live.find(subject.hash);
  if (start != staged.live.end()) {
    live_.begin(subject, std::move(start->second));
    subjects_[subject.hash] = subject;
    return;
  }
  live_.unmark(subject.hash);
  subjects_.erase(subject.hash);
  if (!contains(staged.unread, subject.hash)) return;
  unread_.insert_or_assign(subject.hash, run);
  next_unread_ns_ = monotonic_ns() + again_after_ns;
}

// What the index has of live runs (their last values) may be some seconds old, unless a server sees
// to it; that it lacks a series may not.
void Follower::refresh_index() {
  const int64_t begun = monotonic_ns();
  if (!index_wanted_) {
    if (!heads_moved_ || begun < next_refresh_ns_) return;
    next_refresh_ns_ = begun + refresh_interval_ns;
    if (publisher_.others_refresh_index()) return;
  }
  publisher_.refresh_index();
  heads_moved_ = false;
  index_cost_ns_ = monotonic_ns() - begun;
  next_pass_ns_ = monotonic_ns() + rest_ns();
  index_wanted_ = false;
}

bool Follower::is_over() const {
  const LiveWriters& writers = watch_.writers();
  const bool waits = writers.dead > 0 && environment_->writable();
  return !until_stdin_ends_ && watch_.has_runs() && writers.live == 0 && !waits &&
         pending_.empty() && live_.size() == 0;
}

void Follower::show() {
  if (!shown_) return;
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(), "\r\x1b[K%zu live, %zu ended, %zu points, %.1f s behind",
                live_.size(), watch_.runs() - watch_.open(), points_, behind_s_);
  (void)!::write(STDERR_FILENO, text.data(), std::strlen(text.data()));
}

// A parent that ended took its plugin along, but its locks may go some moments after its pipe.
void Follower::settle() {
  constexpr int tries_max = 20;
  for (int i = 0; i < tries_max; ++i) {
    {
      Snapshot snapshot(*environment_);
      watch_.look(*environment_, snapshot);
    }
    if (!until_stdin_ends_ || watch_.writers().live == 0 || watch_.open() == 0) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  recover();
}

// An ordinary export of all: what is live becomes a run that is open and that nobody writes.
int Follower::finish() {
  for (const std::string& hash : live_.hashes()) live_.end(hash);
  publisher_.refresh();
  std::vector<AimSubject> subjects;
  try {
    Snapshot snapshot(*environment_);
    subjects = choice_.subjects(snapshot);
  } catch (const Failure& failure) {
    if (failure.exit_code() != exit_nothing) throw;
  }
  Tally tally = export_all(*environment_, publisher_, std::move(subjects), choice_.options());
  live_.unmark_all();
  if (shown_) (void)!::write(STDERR_FILENO, "\r\x1b[K", 4);
  tell_left_alone(tally);
  tally.points = points_;
  print(summary(tally, paths_, "written at the end"));
  return tally.unread.empty() ? exit_ok : exit_error;
}

int Follower::run() {
  choice_.keep_chosen();
  clear_left_marks(publisher_, paths_);
  if (!open_repo_when_there()) return exit_ok;
  try {
    do {
      tick();
      show();
    } while (!is_over() && !stop_.wait(tick_ms));
    settle();
    return finish();
  } catch (...) {
    for (const std::string& hash : live_.hashes()) live_.end(hash);
    live_.unmark_all();  // also of those that a pass that failed had ended
    throw;
  }
}

}  // namespace

void clear_left_marks(aim::Publisher& publisher, const aim::AimPaths& paths) {
  aim::LiveMarks marks(paths);
  for (const std::string& hash : publisher.left_live()) marks.end(hash);
}

int follow_aim(const Args& args, AimChoice& choice, const aim::AimPaths& paths) {
  return Follower(args, choice, paths).run();
}

}  // namespace aimlog::cli

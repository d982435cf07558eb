#include "cli/export/aim_pass.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <mutex>

#include "cli/output/terminal.h"
#include "cli/output/text.h"
#include "plugin/base/parallel.h"

namespace aimlog::cli {
namespace {

constexpr size_t batch_runs = 256;
constexpr size_t batch_points = 4'000'000;  // 200 MB in memory

std::vector<ToWrite> to_write(aim::Publisher& publisher, std::vector<AimSubject> subjects,
                              Tally& tally) {
  std::vector<ToWrite> runs;
  for (AimSubject& subject : subjects) {
    switch (publisher.judge(subject.hash, subject.fingerprint)) {
      case aim::Verdict::write:
        runs.push_back({std::move(subject)});
        break;
      case aim::Verdict::unchanged:
        ++tally.unchanged;
        break;
      case aim::Verdict::deleted:
        tally.deleted.push_back(subject.hash);
        break;
      case aim::Verdict::in_use:
        tally.in_use.push_back(subject.hash);
        break;
    }
  }
  return runs;
}

// On a terminal, one line that is written over.
class Progress {
 public:
  explicit Progress(size_t total) : total_(total), shown_(::isatty(STDERR_FILENO) != 0) {}
  ~Progress() {
    if (shown_ && done_ > 0) write("\r\x1b[K");
  }
  void add_one() {
    ++done_;
    if (shown_) write("\r" + std::to_string(done_) + " of " + counted(total_, "run"));
  }

 private:
  static void write(const std::string& text) {
    if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;
  }
  size_t total_, done_ = 0;
  bool shown_;
};

}  // namespace

Staged stage_some(Environment& environment, aim::Publisher& publisher,
                  const std::vector<ToWrite>& runs, size_t from, size_t runs_max,
                  const AimOptions& options, const std::function<void()>& done) {
  Staged staged;
  std::vector<MappedRun> batch;
  size_t points = 0;
  {
    Snapshot snapshot(environment);
    for (size_t i = from; i < runs.size(); ++i) {
      if (batch.size() == runs_max || points >= batch_points) break;
      const AimSubject& subject = runs[i].subject;
      batch.push_back(to_aim(snapshot, subject, options));
      points += batch.back().points;
      if (!runs[i].is_live) continue;
      LiveStart start{{}, PointCursor(subject.number, subject.attempt)};
      start.cursor.skip_to_end(snapshot.txn(), snapshot.tails());
      staged.live.emplace(subject.hash, std::move(start));
    }
  }
  staged.runs = batch.size();
  std::mutex mutex;
  parallel_each(batch.size(), [&](size_t i) {
    MappedRun& each = batch[i];
    const ToWrite& told = runs[from + i];
    auto outcome =
        publisher.stage({std::move(each.run), told.subject.fingerprint, each.metric_namespace,
                         std::move(each.bare_names), told.is_live});
    const std::scoped_lock guard(mutex);
    if (auto* unread = std::get_if<aim::UnreadRun>(&outcome)) {
      staged.live.erase(told.subject.hash);
      staged.unread.push_back(std::move(*unread));
    } else {
      staged.points[told.subject.hash] = each.points;
      if (told.is_live)
        staged.live.at(told.subject.hash).seed = std::move(std::get<aim::LiveSeed>(outcome));
    }
    done();
  });
  return staged;
}

Tally export_all(Environment& environment, aim::Publisher& publisher,
                 std::vector<AimSubject> subjects, const AimOptions& options) {
  Tally tally;
  const std::vector<ToWrite> runs = to_write(publisher, std::move(subjects), tally);
  std::map<std::string, size_t> written;
  {
    Progress progress(runs.size());
    for (size_t done = 0; done < runs.size();) {
      Staged staged = stage_some(environment, publisher, runs, done, batch_runs, options,
                                 [&] { progress.add_one(); });
      done += staged.runs;
      written.merge(staged.points);
      std::move(staged.unread.begin(), staged.unread.end(), std::back_inserter(tally.unread));
    }
  }
  aim::PublishReport report = publisher.publish();
  for (const std::string& hash : report.taken) written.erase(hash);
  tally.taken = std::move(report.taken);
  tally.written = written.size();
  for (const auto& [hash, points] : written) tally.points += points;
  tell_damaged(report);
  for (const aim::UnreadRun& each : report.unread)
    if (!each.is_damaged && !contains(tally.unread, each.hash)) tally.unread.push_back(each);
  return tally;
}

std::string counted(size_t count, const char* thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

std::string summary(const Tally& tally, const aim::AimPaths& paths, const char* verb) {
  std::string text = counted(tally.written, "run") + " " + verb;
  if (tally.points > 0) text += " with " + counted(tally.points, "point");
  if (tally.unchanged > 0) text += ", " + std::to_string(tally.unchanged) + " unchanged";
  return text + ": " + safe_text(paths.root.string()) + "\n";
}

void tell_left_alone(const Tally& tally) {
  if (!tally.deleted.empty())
    complain(counted(tally.deleted.size(), "run") +
             " had been deleted in Aim and will not come back (the first is " +
             tally.deleted.front() + ")");
  if (!tally.in_use.empty())
    complain(counted(tally.in_use.size(), "run") + (tally.in_use.size() == 1 ? " is" : " are") +
             " open for writing in Aim and left alone: export again later (the first is " +
             tally.in_use.front() + ")");
  if (!tally.taken.empty())
    complain(counted(tally.taken.size(), "run") + (tally.taken.size() == 1 ? " was" : " were") +
             " opened or changed in Aim meanwhile and left alone: export again (the first is " +
             *tally.taken.begin() + ")");
  for (const aim::UnreadRun& each : tally.unread) complain(text_of(each));
}

void tell_damaged(const aim::PublishReport& report) {
  for (const aim::MendedRun& each : report.mended) complain(text_of(each));
  for (const aim::UnreadRun& each : report.unread)
    if (each.is_damaged) complain(text_of(each));
}

bool contains(const std::vector<aim::UnreadRun>& runs, const std::string& hash) {
  return std::any_of(runs.begin(), runs.end(),
                     [&](const aim::UnreadRun& each) { return each.hash == hash; });
}

std::string text_of(const aim::UnreadRun& run) {
  if (run.is_damaged) return "Aim's run " + run.hash + " is damaged and cannot be read: " + run.why;
  return "Aim's run " + run.hash + " cannot be read and is left as it is: " + run.why;
}

std::string text_of(const aim::MendedRun& run) {
  return "Aim's run " + run.hash + " was damaged and has been written anew; what was there is in " +
         run.kept.string();
}

}  // namespace aimlog::cli

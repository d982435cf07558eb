#include "cli/export/export_aim.h"

#include <unistd.h>

#include <mutex>

#include "cli/aim/parallel.h"
#include "cli/aim/publisher.h"
#include "cli/export/to_aim.h"
#include "cli/failure.h"
#include "cli/output/terminal.h"
#include "cli/query/metric_ref.h"
#include "cli/query/repo.h"
#include "cli/query/run_list.h"
#include "cli/query/run_ref.h"

namespace aimlog::cli {
namespace {

constexpr size_t batch_runs = 256;
constexpr size_t batch_points = 4'000'000;  // 200 MB in memory

std::string counted(size_t count, const char* thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

AimOptions read_options(const Args& args) {
  AimOptions options;
  options.split_attempts = args.text("--attempts") == "split";
  options.bare_names = args.has("--no-namespace");
  options.keep_nan = args.has("--keep-nan");
  options.metrics = split_list(args.text("--metrics").value_or(""));
  for (const std::string& pattern : options.metrics) {
    const std::string problem = pattern_error(pattern);
    if (!problem.empty()) throw usage_error("--metrics '" + pattern + "': " + problem);
  }
  return options;
}

std::vector<AimSubject> choose(Snapshot& snapshot, const Args& args, const AimOptions& options) {
  const RunFilter filter = read_filter(args);
  std::set<RunNumber> named;
  for (const std::string& word : args.all("--run")) named.insert(find_run_named(snapshot, word));
  std::vector<AimSubject> subjects;
  for (const auto& [number, row] : choose_runs(snapshot, filter)) {
    if (!named.empty() && named.count(number) == 0) continue;
    for (AimSubject& subject : aim_subjects(snapshot, number, row, options))
      subjects.push_back(std::move(subject));
  }
  if (subjects.empty()) throw nothing_matched("no run matches");
  return subjects;
}

struct Tally {
  size_t written = 0, unchanged = 0, points = 0;
  std::vector<std::string> deleted, in_use;
};

std::vector<AimSubject> to_write(aim::Publisher& publisher, std::vector<AimSubject> subjects,
                                 Tally& tally) {
  std::erase_if(subjects, [&](const AimSubject& subject) {
    switch (publisher.judge(subject.hash, subject.fingerprint)) {
      case aim::Verdict::write:
        return false;
      case aim::Verdict::unchanged:
        ++tally.unchanged;
        return true;
      case aim::Verdict::deleted:
        tally.deleted.push_back(subject.hash);
        return true;
      case aim::Verdict::in_use:
        tally.in_use.push_back(subject.hash);
        return true;
    }
    return true;
  });
  return subjects;
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

// Runs are independent: their databases are built on all cores.
void stage_all(aim::Publisher& publisher, std::vector<MappedRun> runs,
               const std::vector<std::string>& fingerprints, Progress& progress) {
  std::mutex mutex;
  aim::parallel_each(runs.size(), [&](size_t i) {
    MappedRun& each = runs[i];
    publisher.stage(
        {std::move(each.run), fingerprints[i], each.metric_namespace, std::move(each.bare_names)});
    const std::scoped_lock guard(mutex);
    progress.add_one();
  });
}

// A snapshot is held while runs are read, never while they are written.
void write_runs(Environment& environment, aim::Publisher& publisher,
                const std::vector<AimSubject>& subjects, const AimOptions& options, Tally& tally) {
  Progress progress(subjects.size());
  for (size_t done = 0; done < subjects.size();) {
    std::vector<MappedRun> batch;
    std::vector<std::string> fingerprints;
    {
      Snapshot snapshot(environment);
      size_t points = 0;
      while (done < subjects.size() && batch.size() < batch_runs && points < batch_points) {
        const AimSubject& subject = subjects[done++];
        batch.push_back(to_aim(snapshot, subject, options));
        fingerprints.push_back(subject.fingerprint);
        points += batch.back().points;
      }
      tally.points += points;
    }
    tally.written += batch.size();
    stage_all(publisher, std::move(batch), fingerprints, progress);
  }
}

std::string summary(const Tally& tally, const aim::AimPaths& paths, const char* verb) {
  std::string text = counted(tally.written, "run") + " " + verb;
  if (tally.points > 0) text += " with " + counted(tally.points, "point");
  if (tally.unchanged > 0) text += ", " + std::to_string(tally.unchanged) + " unchanged";
  return text + ": " + paths.root.string() + "\n";
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
}

}  // namespace

int export_aim(const Args& args) {
  const AimOptions options = read_options(args);
  const aim::AimPaths paths(*args.text("--output"));
  const auto environment = open_repo(args);
  std::vector<AimSubject> subjects;
  {
    Snapshot snapshot(*environment);
    subjects = choose(snapshot, args, options);
  }
  Tally tally;
  if (args.has("--dry-run")) {
    tally.written = subjects.size();
    print(summary(tally, paths, "would be written or brought up to date"));
    return exit_ok;
  }
  aim::Publisher publisher(paths, options.split_attempts ? "split" : "merged", options.keep_nan,
                           own_aim_params());
  const auto writable = to_write(publisher, std::move(subjects), tally);
  write_runs(*environment, publisher, writable, options, tally);
  const aim::PublishReport report = publisher.publish();
  tell_left_alone(tally);
  for (const std::string& hash : report.mended)
    complain("Aim's run " + hash + " was damaged and has been written anew");
  for (const std::string& hash : report.unreadable)
    complain("Aim's run " + hash + " is damaged and cannot be read");
  print(summary(tally, paths, "written"));
  return exit_ok;
}

}  // namespace aimlog::cli

#include <string.h>

#include "cli/check/check_repo.h"
#include "cli/check/child.h"
#include "cli/check/progress.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/output/new_directory.h"
#include "cli/output/study_notes.h"
#include "cli/output/terminal.h"
#include "cli/output/text.h"
#include "cli/query/repo.h"
#include "plugin/store/copy_data.h"

namespace aimlog::cli {
namespace {

namespace fs = std::filesystem;

struct Places {
  fs::path repo, target;
};

Places read_places(const Args& args) {
  const std::vector<std::string> words = args.all("DIR");
  if (words.size() > 2) throw usage_error("backup takes a repo, where it is not here, and DEST");
  if (words.size() == 2 && args.has("--repo"))
    throw usage_error("the repo is named twice: by --repo and by a word");
  Args named = args;
  if (words.size() == 2) named.add("--repo", {words[0]});
  return {find_repo(named), words.back()};
}

// What killed writers left is replayed first, where that may be: then the copy has it.
void replay(const fs::path& repo) {
  Args args;
  args.add("--repo", {repo.string()});
  open_repo(args);
}

// In a child, since LMDB may die of a damaged repo.
void copy_in_child(const fs::path& repo, const fs::path& target) {
  const ChildEnd end = run_in_child(
      [&](ChildPipe&) { copy_data(*Environment::open(repo, OpenMode::read_only), target); },
      [](char, ByteView) {});
  if (end.done) return;
  if (!end.error.empty()) throw Failure(exit_error, end.error);
  throw Failure(exit_error, end.is_damage
                                ? "the repo cannot be copied, it is damaged: see 'aimlog check'"
                                : "no backup was made: the process that copied was ended (" +
                                      std::string(::strsignal(end.signal)) + ")");
}

// A copy of damaged rows is no backup.
CheckCounts look_at_copy(const fs::path& copy, const fs::path& repo) {
  CheckResult result;
  try {
    result = check_repo(copy, false, [](const std::string&) {});
  } catch (const Failure& failure) {
    throw Failure(exit_error, "no backup was made: " + std::string(failure.what()));
  }
  if (result.found == 0) return result.counts;
  const Finding& first = result.findings.front();
  throw Failure(exit_error,
                "no backup was made: '" + repo.string() + "' is damaged (" + first.table + ", " +
                    first.key + ": " + first.what +
                    "); 'aimlog check' shows all of it, 'aimlog repair' saves the rest");
}

int run(const Args& args) {
  const Places places = read_places(args);
  ProgressLine progress;
  NewDirectory made(places.target);
  replay(places.repo);
  progress.show("copying");
  copy_in_child(places.repo, made.path());
  progress.show("checking the copy");
  const CheckCounts counts = look_at_copy(made.path(), places.repo);
  const std::vector<std::string> not_copied = copy_study_notes(places.repo, made.path());
  if (!not_copied.empty()) throw Failure(exit_error, "no backup was made: " + not_copied.front());
  made.appear();
  progress.clear();
  print_report("saved in " + safe_text(places.target.string()) + ": " +
               std::to_string(counts.runs) + " runs, " + std::to_string(counts.points) +
               " points\n");
  return exit_ok;
}

}  // namespace

Command backup_command() {
  return {{"backup",
           "Keep the repo safe",
           "Copy a repo as it is at one moment, also while it is written",
           "aimlog backup ~/experiments ~/backups/experiments-tuesday",
           {{"DIR",
             "[REPO] DEST",
             "[REPO] DEST: what to copy, else as --repo says; where to, which must not exist",
             {},
             true,
             true},
            repo_option()}},
          run};
}

}  // namespace aimlog::cli

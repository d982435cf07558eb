#include "cli/query/repo.h"

#include <cstdlib>

#include "cli/failure.h"
#include "cli/output/terminal.h"
#include "plugin/base/error.h"
#include "plugin/commit/recovery.h"

namespace aimlog::cli {
namespace {

namespace fs = std::filesystem;

fs::path directory_above(fs::path path) {
  if (!path.has_filename() && path.has_parent_path()) path = path.parent_path();  // "x/.aimlog/"
  if (path.filename() != ".aimlog") return path;
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

bool holds_repo(const fs::path& directory) {
  std::error_code ignored;
  return fs::is_directory(directory / ".aimlog", ignored);
}

fs::path search_upward() {
  std::error_code error;
  fs::path here = fs::current_path(error);
  while (!here.empty()) {
    if (holds_repo(here)) return here;
    if (here == here.parent_path()) break;
    here = here.parent_path();
  }
  throw Failure(exit_error,
                "there is no .aimlog in this directory or above it; name the repo with --repo DIR");
}

fs::path expect_repo(const fs::path& named) {
  const fs::path path = directory_above(named);
  std::error_code unseen;
  if (!fs::exists(path / ".aimlog", unseen) && unseen)
    throw Failure(exit_error, "cannot look into '" + path.string() + "': " + unseen.message());
  if (!holds_repo(path))
    throw Failure(exit_error, "there is no .aimlog in '" + path.string() +
                                  "'; name the directory that the plugin's `repo:` names");
  return path;
}

std::string counted(uint64_t count, const char* thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

void tell_waiting(Environment& environment) {
  const WaitingEvents waiting = count_waiting_events(environment);
  if (waiting.events == 0) return;
  complain("the repo cannot be written here: " + counted(waiting.events, "event") + " in " +
           counted(waiting.dead_journals, "journal") +
           " of writers that died are not shown until somebody who may write opens it");
}

// What is committed can be shown also where replaying fails (a full disk): then it is only told.
void replay(Environment& environment) {
  try {
    const RecoveryReport report = recover_dead_journals(environment, reader_patience);
    if (report.events_replayed > 0 || report.runs_crashed > 0)
      complain("replayed " + counted(report.events_replayed, "event") + " of " +
               counted(report.journals_replayed, "writer") + " that died; " +
               counted(report.runs_crashed, "run") + " marked crashed");
    if (report.records_lost > 0)
      complain(counted(report.records_lost, "damaged record") +
               " could not be read back ('aimlog stats' shows what is missing)");
    for (const std::string& problem : report.problems) complain(problem);
  } catch (const Error& error) {
    complain(std::string("journals of dead writers were not replayed: ") + error.what());
  }
}

}  // namespace

fs::path find_repo(const Args& args) {
  fs::path path;
  if (const auto option = args.text("--repo")) {
    path = *option;
  } else if (const char* variable = getenv("AIMLOG_REPO"); variable && *variable != '\0') {
    path = variable;
  } else {
    return search_upward();
  }
  return expect_repo(path);
}

fs::path find_named_repo(const Args& args, const std::string& word) {
  if (const auto named = args.text(word)) return expect_repo(*named);
  return find_repo(args);
}

std::shared_ptr<Environment> open_repo(const Args& args) {
  const fs::path path = find_repo(args);
  std::shared_ptr<Environment> environment;
  try {
    environment = Environment::open(path, OpenMode::read_write);
  } catch (const Error& error) {
    // Without leave to write there is still something to read.
    if (error.code() != ErrorCode::io && error.code() != ErrorCode::no_space) throw;
    environment = Environment::open(path, OpenMode::read_only);
  }
  if (environment->writable())
    replay(*environment);
  else
    tell_waiting(*environment);
  return environment;
}

std::shared_ptr<Environment> open_or_make_repo(const Args& args) {
  const char* variable = getenv("AIMLOG_REPO");
  const std::string named = args.text("--repo").value_or(variable != nullptr ? variable : "");
  if (named.empty()) return open_repo(args);
  const fs::path path = directory_above(named);
  if (holds_repo(path)) return open_repo(args);
  return Environment::open(path, OpenMode::create);
}

}  // namespace aimlog::cli

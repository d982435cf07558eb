#include "plugin/read/open_repo.h"

#include "plugin/commit/recovery.h"
#include "plugin/read/names.h"

namespace aimlog {
namespace {

namespace fs = std::filesystem;

fs::path directory_above(fs::path path) {
  path = fs::absolute(path);
  if (!path.has_filename()) path = path.parent_path();  // "x/.aimlog/"
  return path.filename() == ".aimlog" ? path.parent_path() : path;
}

std::string counted(uint64_t count, const char* thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

std::string waiting_text(Environment& environment) {
  const WaitingEvents waiting = count_waiting_events(environment);
  if (waiting.events == 0) return "";
  return "the repo cannot be written here: " + counted(waiting.events, "event") +
         " of writers that died are not shown until somebody who may write opens it";
}

// What is committed can be shown also where replaying fails (a full disk).
std::string replay(Environment& environment) {
  std::string remark;
  try {
    const RecoveryReport report = recover_dead_journals(environment, reader_patience);
    if (report.events_replayed > 0 || report.runs_crashed > 0)
      remark = "replayed " + counted(report.events_replayed, "event") + " of " +
               counted(report.journals_replayed, "writer") + " that died; " +
               counted(report.runs_crashed, "run") + " marked crashed";
    if (report.records_lost > 0)
      remark += (remark.empty() ? "" : "; ") + counted(report.records_lost, "damaged record") +
                " could not be read back";
    for (const std::string& problem : report.problems)
      remark += (remark.empty() ? "" : "; ") + problem;
  } catch (const Error& error) {
    remark = std::string("journals of dead writers were not replayed: ") + error.what();
  }
  return remark;
}

}  // namespace

OpenedRepo open_to_read(fs::path path) {
  path = directory_above(std::move(path));
  std::error_code ignored;
  if (!fs::is_directory(path / ".aimlog", ignored))
    throw LookupError(false, "there is no .aimlog in '" + path.string() + "'");
  OpenedRepo opened;
  try {
    opened.environment = Environment::open(path, OpenMode::read_write);
  } catch (const Error& error) {
    // Without leave to write there is still something to read.
    if (error.code() != ErrorCode::io && error.code() != ErrorCode::no_space) throw;
    opened.environment = Environment::open(path, OpenMode::read_only);
  }
  Environment& environment = *opened.environment;
  opened.remark = environment.writable() ? replay(environment) : waiting_text(environment);
  return opened;
}

}  // namespace aimlog

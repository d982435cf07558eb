#include "cli/check/check_repo.h"
#include "cli/check/progress.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/output/json.h"
#include "cli/output/terminal.h"
#include "cli/output/text.h"
#include "cli/query/repo.h"

namespace aimlog::cli {
namespace {

std::string as_json(const CheckResult& result) {
  JsonWriter json;
  json.begin_object().key("sound").boolean(result.found == 0);
  json.key("found").count(result.found);
  json.key("findings").begin_array();
  for (const Finding& each : result.findings) {
    json.begin_object().key("table").text(each.table).key("key").text(each.key);
    json.key("what").text(each.what).key("todo").text(each.todo).end_object();
  }
  json.end_array();
  json.key("rows").count(result.counts.rows).key("runs").count(result.counts.runs);
  json.key("chunks").count(result.counts.chunks).key("results").count(result.counts.results);
  json.key("points").count(result.counts.points);
  json.key("journals").begin_array();
  for (const JournalState& each : result.journals) {
    json.begin_object().key("file").text(each.path.filename().string());
    json.key("live").boolean(each.live).key("known").boolean(each.known);
    json.key("applied").count(each.applied.sequence);
    json.key("events_waiting").count(each.events_waiting);
    json.key("records_damaged").count(each.records_damaged);
    json.key("problem").text(each.problem).end_object();
  }
  json.end_array().end_object();
  return json.take() + "\n";
}

std::string counted(uint64_t count, const char* thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

std::string as_text(const CheckResult& result) {
  std::string out;
  for (const Finding& each : result.findings)
    out += safe_text(each.table + ": " + each.key + ": " + each.what + "; " + each.todo) + "\n";
  for (const JournalState& each : result.journals) {
    const std::string name = safe_text("journal " + each.path.filename().string());
    if (each.live) out += name + ": its writer lives\n";
    if (each.live || !each.problem.empty()) continue;
    out += name + ": its writer is dead, " + counted(each.events_waiting, "event") +
           (each.events_waiting == 1 ? " waits" : " wait") +
           " to be replayed by whoever opens the repo next\n";
  }
  const CheckCounts& counts = result.counts;
  out += (result.found == 0 ? "sound: " : "damaged, " + counted(result.found, "finding") + ": ") +
         counted(counts.runs, "run") + ", " + counted(counts.points, "point") + " of " +
         counted(counts.results, "result") + ", " + counted(counts.chunks, "chunk") + ", " +
         counted(counts.rows, "row") + "\n";
  return out;
}

int run(const Args& args) {
  ProgressLine progress;
  const CheckResult result =
      check_repo(find_named_repo(args, "REPO"), args.has("--deep"),
                 [&](const std::string& place) { progress.show("checking " + place); });
  progress.clear();
  print(args.has("--json") ? as_json(result) : as_text(result));
  return result.found == 0 ? exit_ok : exit_error;
}

}  // namespace

Command check_command() {
  return {{"check",
           "Keep the repo safe",
           "Look for damage in a repo; nothing is changed",
           "aimlog check --deep",
           {{"REPO", "REPO", "the directory that holds .aimlog"},
            repo_option(),
            {"--deep", "", "decode every point and compare with the summaries"},
            {"--json", "", "as JSON"}}},
          run};
}

}  // namespace aimlog::cli

#include "cli/repair/report.h"

#include <algorithm>

#include "cli/output/json.h"
#include "cli/output/text.h"

namespace aimlog::cli {
namespace {

constexpr size_t lines_alike_max = 100;

std::string counted(uint64_t count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

std::string losses_of(const RunReport& run) {
  std::string text;
  const auto add = [&](const std::string& what) { text += (text.empty() ? "" : ", ") + what; };
  if (run.points_lost > 0) add(counted(run.points_lost, "point"));
  if (run.results_lost > 0) add(counted(run.results_lost, "result"));
  if (run.chunks_lost > 0) add(counted(run.chunks_lost, "chunk"));
  if (run.columns_lost > 0) add(counted(run.columns_lost, "column") + " of chunks");
  for (const std::string& each : run.lost) add(each);
  if (run.count_unknown) add("maybe more points: what counts them is lost");
  return text;
}

std::string lines(const std::vector<std::string>& texts, const std::string& prefix) {
  std::string out;
  for (size_t i = 0; i < texts.size() && i < lines_alike_max; ++i)
    out += safe_text(prefix + texts[i]) + "\n";
  if (texts.size() > lines_alike_max)
    out += prefix + counted(texts.size() - lines_alike_max, "more place") + "\n";
  return out;
}

void add_list(JsonWriter& json, const char* key, const std::vector<std::string>& texts) {
  json.key(key).begin_array();
  for (const std::string& each : texts) json.text(each);
  json.end_array();
}

}  // namespace

uint64_t RepairReport::whole_runs() const {
  return static_cast<uint64_t>(
      std::count_if(runs.begin(), runs.end(), [](const RunReport& run) { return run.whole(); }));
}

std::string RepairReport::as_text(const std::string& target) const {
  std::string out = lines(damage, "damage: ");
  for (const RunReport& run : runs)
    if (!run.whole())
      out += safe_text("run " + run.id + " (" + run.trial + ") lost: " + losses_of(run)) + "\n";
  out += lines(notes, "");
  if (rows_damaged + rows_undecodable > 0)
    out += counted(rows_damaged + rows_undecodable, "row") + " could not be read\n";
  if (rows_searched > 0)
    out += counted(rows_searched, "row") + " found by searching page by page, " +
           std::to_string(rows_stale) + " of them on pages that may hold older versions\n";
  if (events_replayed > 0) out += counted(events_replayed, "event") + " replayed from journals\n";
  uint64_t results = 0, points = 0;
  for (const RunReport& run : runs) {
    results += run.results;
    points += run.points;
  }
  return out + "saved in " + safe_text(target) + ": " + counted(runs.size(), "run") + ", " +
         std::to_string(whole_runs()) + " of them whole; " + counted(points, "point") + " of " +
         counted(results, "result") + "\n";
}

std::string RepairReport::as_json(const std::string& target) const {
  JsonWriter json;
  json.begin_object().key("repo").text(target);
  json.key("runs").begin_array();
  for (const RunReport& run : runs) {
    json.begin_object().key("id").text(run.id).key("trial").text(run.trial);
    json.key("whole").boolean(run.whole()).key("results").count(run.results);
    json.key("points").count(run.points).key("results_lost").count(run.results_lost);
    json.key("points_lost").count(run.points_lost).key("chunks_lost").count(run.chunks_lost);
    json.key("columns_lost").count(run.columns_lost);
    json.key("count_unknown").boolean(run.count_unknown);
    add_list(json, "lost", run.lost);
    json.end_object();
  }
  json.end_array().key("runs_whole").count(whole_runs());
  json.key("rows").count(rows).key("rows_searched").count(rows_searched);
  json.key("rows_stale").count(rows_stale).key("rows_damaged").count(rows_damaged);
  json.key("rows_undecodable").count(rows_undecodable);
  json.key("events_replayed").count(events_replayed);
  add_list(json, "damage", damage);
  add_list(json, "notes", notes);
  json.end_object();
  return json.take() + "\n";
}

}  // namespace aimlog::cli

#include "cli/aim/export_state.h"

namespace aimlog::aim {
namespace {

constexpr char separator = '\x1f';  // between tags

// Stored on disk.
constexpr const char* schema =
    "CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS exported (hash TEXT PRIMARY KEY, fingerprint TEXT NOT NULL,"
    " namespace TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,"
    " experiment TEXT NOT NULL, tags TEXT NOT NULL);";

std::string join(const std::vector<std::string>& tags) {
  std::string text;
  for (const std::string& tag : tags) text += tag + separator;
  return text;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> tags;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find(separator, at);
    tags.push_back(text.substr(at, end - at));
    at = end == std::string::npos ? text.size() : end + 1;
  }
  return tags;
}

}  // namespace

ExportState::ExportState(const std::filesystem::path& path)
    : database_(path, Sqlite::Mode::create) {
  database_.run(schema);
}

std::optional<std::string> ExportState::setting(std::string_view name) {
  Query query(database_, "SELECT value FROM setting WHERE name = ?");
  query.bind(name);
  return query.step() ? std::optional(query.text(0)) : std::nullopt;
}

void ExportState::set(std::string_view name, std::string_view value) {
  Query(database_, "INSERT OR REPLACE INTO setting VALUES (?, ?)").bind(name).bind(value).run();
}

std::optional<ExportedRun> ExportState::find(const std::string& hash) {
  Query query(database_,
              "SELECT fingerprint, namespace, name, description, experiment, tags FROM exported"
              " WHERE hash = ?");
  query.bind(hash);
  if (!query.step()) return std::nullopt;
  return ExportedRun{query.text(0),
                     query.text(1),
                     {query.text(2), query.text(3), query.text(4), split(query.text(5))}};
}

std::vector<std::string> ExportState::with_fingerprint(std::string_view fingerprint) {
  Query query(database_, "SELECT hash FROM exported WHERE fingerprint = ?");
  query.bind(fingerprint);
  std::vector<std::string> hashes;
  while (query.step()) hashes.push_back(query.text(0));
  return hashes;
}

void ExportState::put(const std::string& hash, const ExportedRun& run) {
  Query(database_, "INSERT OR REPLACE INTO exported VALUES (?, ?, ?, ?, ?, ?, ?)")
      .bind(hash)
      .bind(run.fingerprint)
      .bind(run.metric_namespace)
      .bind(run.props.name)
      .bind(run.props.description)
      .bind(run.props.experiment)
      .bind(join(run.props.tags))
      .run();
}

}  // namespace aimlog::aim

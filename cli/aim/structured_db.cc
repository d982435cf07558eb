#include "cli/aim/structured_db.h"

#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "cli/aim/aim_format.h"
#include "cli/aim/structured_schema.h"
#include "plugin/base/error.h"
#include "plugin/base/file.h"
#include "plugin/base/random.h"
#include "plugin/base/utf8.h"
#include "plugin/model/ids.h"

namespace aimlog::aim {
namespace {

namespace fs = std::filesystem;

std::string make_uuid() {
  std::array<unsigned char, 16> bytes = random_128();
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  std::string hex = to_hex(bytes);
  for (const size_t at : {20, 16, 12, 8}) hex.insert(at, "-");
  return hex;
}

std::string now_text() {
  timeval now{};
  ::gettimeofday(&now, nullptr);
  return aim_time_text(int64_t{now.tv_sec} * 1'000'000 + now.tv_usec);
}

std::string utf8(const std::string& text) {
  std::string fit;
  append_repaired_utf8(fit, text);
  return fit;
}

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::string aim_time_text(int64_t time_us) {
  int64_t seconds = time_us / 1'000'000, micros = time_us % 1'000'000;
  if (micros < 0) {
    micros += 1'000'000;
    seconds -= 1;
  }
  const auto time = static_cast<time_t>(seconds);
  tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02d %02d:%02d:%02d.%06d",
                parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                parts.tm_sec, static_cast<int>(micros));
  return text.data();
}

std::optional<int64_t> parse_aim_time(const std::string& text) {
  tm parts{};
  int micros = 0;
  const int read =
      std::sscanf(text.c_str(), "%4d-%2d-%2d %2d:%2d:%2d.%6d", &parts.tm_year, &parts.tm_mon,
                  &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &micros);
  // Nanoseconds since 1970, as we keep them, reach from 1677 to 2262.
  if (read < 6 || parts.tm_year < 1700 || parts.tm_year > 2200) return std::nullopt;
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  return int64_t{::timegm(&parts)} * 1'000'000 + (read == 7 ? micros : 0);
}

void create_schema(const fs::path& path) {
  const fs::path made = path.string() + ".new";
  fs::remove(made);
  {
    Sqlite database(made, Sqlite::Mode::create);
    database.run(structured_schema);
    Query(database, "INSERT INTO alembic_version VALUES (?)").bind(schema_revision).run();
    const std::string now = now_text();
    Query(database,
          "INSERT INTO experiment (uuid, name, created_at, updated_at, is_archived)"
          " VALUES (?, 'default', ?, ?, 0)")
        .bind(make_uuid())
        .bind(now)
        .bind(now)
        .run();
  }
  rename_file(made, path);
}

void check_schema(const fs::path& path) {
  Sqlite database(path, Sqlite::Mode::read_only);
  Query query(database, "SELECT version_num FROM alembic_version");
  const std::string found = query.step() ? query.text(0) : "unknown";
  if (found != schema_revision)
    throw Error(ErrorCode::unsupported, "'" + path.string() + "' has schema revision " + found +
                                            ", and aimlog knows " + schema_revision +
                                            " (Aim 3.29)");
}

WrittenProps props_of(const AimRun& run) {
  return {utf8(run.name), utf8(run.description), utf8(run.experiment), run.tags};
}

StructuredDb::StructuredDb(const fs::path& path) : database_(path, Sqlite::Mode::read_write) {}

std::set<std::string> StructuredDb::hashes() {
  std::set<std::string> found;
  Query query(database_, "SELECT hash FROM run");
  while (query.step()) found.insert(query.text(0));
  return found;
}

bool StructuredDb::has_run(const std::string& hash) {
  Query query(database_, "SELECT 1 FROM run WHERE hash = ?");
  query.bind(hash);
  return query.step();
}

int64_t StructuredDb::intern(const char* table, const std::string& name) {
  const std::string of_table(table);
  Query find(database_, ("SELECT id FROM " + of_table + " WHERE name = ?").c_str());
  find.bind(name);
  if (find.step()) return find.integer(0);
  const std::string now = now_text();
  Query(database_, ("INSERT INTO " + of_table +
                    " (uuid, name, created_at, updated_at, is_archived) VALUES (?, ?, ?, ?, 0)")
                       .c_str())
      .bind(make_uuid())
      .bind(name)
      .bind(now)
      .bind(now)
      .run();
  return database_.last_id();
}

void StructuredDb::add_tag(int64_t run, const std::string& name) {
  const int64_t tag = intern("tag", utf8(name));
  Query(database_, "INSERT OR IGNORE INTO run_tag (run_id, tag_id) VALUES (?, ?)")
      .bind(run)
      .bind(tag)
      .run();
}

void StructuredDb::insert_run(const AimRun& run, int64_t experiment) {
  const WrittenProps props = props_of(run);
  Query insert(database_,
               "INSERT INTO run (hash, name, description, is_archived, created_at, updated_at,"
               " experiment_id) VALUES (?, ?, ?, ?, ?, ?, ?)");
  insert.bind(run.hash).bind(props.name);
  if (props.description.empty())
    insert.bind_null();
  else
    insert.bind(props.description);
  insert.bind(int64_t{run.is_archived});
  insert.bind(aim_time_text(run.created_us)).bind(now_text()).bind(experiment).run();
  const int64_t id = database_.last_id();
  for (const std::string& tag : run.tags) add_tag(id, tag);
  for (const std::string& note : run.notes)
    Query(database_,
          "INSERT INTO note (content, run_id, created_at, updated_at) VALUES (?, ?, ?, ?)")
        .bind(utf8(note))
        .bind(id)
        .bind(now_text())
        .bind(now_text())
        .run();
}

void StructuredDb::update_run(int64_t id, const AimRun& run, const WrittenProps& before,
                              int64_t experiment) {
  const WrittenProps now = props_of(run);
  Query find(database_,
             "SELECT run.name, run.description, experiment.name FROM run LEFT JOIN experiment"
             " ON experiment.id = run.experiment_id WHERE run.id = ?");
  find.bind(id);
  if (!find.step()) return;
  const bool own_name = find.text(0) == before.name && before.name != now.name;
  const bool own_text = find.text(1) == before.description && before.description != now.description;
  const bool own_group = find.text(2) == before.experiment && before.experiment != now.experiment;
  if (own_name)
    Query(database_, "UPDATE run SET name = ? WHERE id = ?").bind(now.name).bind(id).run();
  if (own_text)
    Query(database_, "UPDATE run SET description = ? WHERE id = ?")
        .bind(now.description)
        .bind(id)
        .run();
  if (own_group)
    Query(database_, "UPDATE run SET experiment_id = ? WHERE id = ?")
        .bind(experiment)
        .bind(id)
        .run();
  for (const std::string& tag : run.tags)
    if (!has(before.tags, tag)) add_tag(id, tag);
  Query(database_, "UPDATE run SET updated_at = ? WHERE id = ?").bind(now_text()).bind(id).run();
}

void StructuredDb::put_run(const AimRun& run, const std::optional<WrittenProps>& before) {
  const int64_t experiment = intern("experiment", utf8(run.experiment));
  Query find(database_, "SELECT id FROM run WHERE hash = ?");
  find.bind(run.hash);
  if (find.step())
    update_run(find.integer(0), run, before.value_or(props_of(run)), experiment);
  else
    insert_run(run, experiment);
}

}  // namespace aimlog::aim

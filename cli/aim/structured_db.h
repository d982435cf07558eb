// run_metadata.sqlite: names, experiments, tags and times of an Aim repo's runs.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include "cli/aim/run.h"
#include "cli/aim/sqlite.h"

namespace aimlog::aim {

// Makes the file as Aim 3.29 does, with the experiment `default` in it; appears in one piece.
void create_schema(const std::filesystem::path& path);
// Throws Error(unsupported) where another version of Aim wrote it.
void check_schema(const std::filesystem::path& path);

// What an export wrote about a run; what differs from it later was changed by people.
struct WrittenProps {
  std::string name;
  std::string description;
  std::string experiment;
  std::vector<std::string> tags;
};
WrittenProps props_of(const AimRun& run);

class StructuredDb {
 public:
  explicit StructuredDb(const std::filesystem::path& path);

  std::set<std::string> hashes();
  bool has_run(const std::string& hash);
  // Inserts the run, or brings its row up to date and leaves what people changed since `before`.
  // Within a transaction of the caller's.
  void put_run(const AimRun& run, const std::optional<WrittenProps>& before);
  Sqlite& database() { return database_; }

 private:
  int64_t intern(const char* table, const std::string& name);
  void insert_run(const AimRun& run, int64_t experiment);
  void update_run(int64_t id, const AimRun& run, const WrittenProps& before, int64_t experiment);
  void add_tag(int64_t run, const std::string& name);

  Sqlite database_;
};

// "2026-11-24 07:00:00.000000", UTC.
std::string aim_time_text(int64_t time_us);
std::optional<int64_t> parse_aim_time(const std::string& text);

}  // namespace aimlog::aim

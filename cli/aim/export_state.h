// What earlier exports wrote into an Aim repo: .aim/aimlog/export.sqlite. By it the next one knows
// what is new, what people changed in Aim, and what they deleted there.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/aim/sqlite.h"
#include "cli/aim/structured_db.h"

namespace aimlog::aim {

struct ExportedRun {
  std::string fingerprint;       // of what was exported
  std::string metric_namespace;  // before the names of its series
  WrittenProps props;
};

class ExportState {
 public:
  explicit ExportState(const std::filesystem::path& path);  // makes it where there is none

  std::optional<std::string> setting(std::string_view name);
  void set(std::string_view name, std::string_view value);
  std::optional<ExportedRun> find(const std::string& hash);
  std::vector<std::string> with_fingerprint(std::string_view fingerprint);  // hashes
  void put(const std::string& hash, const ExportedRun& run);
  Sqlite& database() { return database_; }

 private:
  Sqlite database_;
};

}  // namespace aimlog::aim

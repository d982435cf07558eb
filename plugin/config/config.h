// The plugin's settings as plain data. docs/configuration.md explains each; load_config.h reads
// them from YAML.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace aimlog {

enum class Durability { interval, always };
enum class OnFull { drop, block };
enum class LogLevel { trace, debug, info, warning, error, off };

struct LogConfig {
  std::optional<std::filesystem::path> file;  // absent: the host's log service
  LogLevel level = LogLevel::info;

  bool operator==(const LogConfig&) const = default;
};

struct Config {
  std::filesystem::path repo = ".";  // absolute after loading: the directory that holds `.aimlog/`
  std::string experiment;            // empty: the host's, else "default"
  std::optional<std::vector<std::string>> metrics;  // absent: every metric
  Durability durability = Durability::interval;
  uint32_t commit_interval_ms = 1000;
  uint32_t always_wait_ms = 1000;
  uint64_t journal_bytes = uint64_t{8} << 20;
  OnFull on_full = OnFull::drop;
  uint32_t full_wait_ms = 50;
  uint32_t close_timeout_ms = 5000;
  // Top-level `context` and `epoch` of a result apply to all its metrics.
  bool context_and_epoch = true;
  std::vector<std::string> tags;
  std::string description;
  LogConfig log;
  // For what turns out to be wrong only later, a repo that cannot be used: key to where it was
  // said ("aimlog.yaml:3:7", "override \"repo\""). Keys that keep their default are not in it.
  std::map<std::string, std::string> said_in;

  bool operator==(const Config&) const = default;
};

}  // namespace aimlog

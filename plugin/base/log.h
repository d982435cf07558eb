// What the plugin has to say to people. It goes to the host's log service, or to a file of our own;
// never to stdout or stderr.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/base/clock.h"

namespace aimlog {

enum class Severity : uint8_t { trace, debug, info, warning, error, off };

// "trace", ... "off".
const char* severity_name(Severity severity);

// Lines for the host wait in a bounded queue, because its log service may be called only on a
// thread that is inside a hook; lines for a file are written at once, by whichever thread they come
// from. Nothing is allocated as long as nothing is logged, and nothing that goes wrong here reaches
// the caller.
class Log {
 public:
  using HostSink = std::function<void(Severity, std::string_view)>;
  using HostFilter = std::function<bool(Severity)>;

  static constexpr size_t queue_lines_max = 256;
  static constexpr int64_t limit_interval_ns = 60 * INT64_C(1000000000);
  static constexpr uint64_t file_bytes_max = uint64_t{5}
                                             << 20;  // two files: this one and the one before

  // `host_sink` and `host_enabled` are called by drain() only; either may be empty. Lines below
  // `level` are dropped.
  Log(HostSink host_sink, HostFilter host_enabled, Severity level);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // From now on lines go to this file (made with its directories, rotated) and not to the host.
  // Throws Error(io).
  void to_file(const std::string& path);

  // Any thread.
  bool wants(Severity severity) const { return severity >= level_ && severity < Severity::off; }
  void write(Severity severity, std::string_view text) noexcept;

  // Any thread. As write(), but for each `key` at most once a minute; the next line then says how
  // many were left out. Keys are few and fixed: each is remembered.
  void write_limited(std::string_view key, Severity severity, std::string_view text,
                     int64_t now_ns = monotonic_ns()) noexcept;

  // The host's thread, inside a hook: hands over what waits. What the host throws is swallowed.
  void drain() noexcept;
  bool has_pending() const noexcept { return pending_.load(std::memory_order_relaxed); }

 private:
  class File;
  struct Line {
    Severity severity;
    std::string text;
  };
  struct Limit {
    int64_t last_ns = 0;
    uint64_t left_out = 0;
  };

  void enqueue(Severity severity, std::string_view text);
  void deliver(const Line& line) noexcept;

  const HostSink host_sink_;
  const HostFilter host_enabled_;
  const Severity level_;

  std::mutex mutex_;  // guards all below but pending_; never held while the host is called
  std::unique_ptr<File> file_;
  std::vector<Line> queue_;
  uint64_t lines_lost_ = 0;  // for want of room in the queue, since the last drain
  std::map<std::string, Limit, std::less<>> limits_;
  std::atomic<bool> pending_{false};  // whether the queue holds lines
};

}  // namespace aimlog

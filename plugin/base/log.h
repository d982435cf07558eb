// What the plugin has to say to people. It goes to the host's log service, or to a file of our own;
// never to stdout or stderr.
#pragma once

#include <atomic>
#include <chrono>
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

// Lines wait in a bounded queue: those for the host because its log service may be called only on a
// thread that is inside a hook, those for a file because no hook may wait for its disk. Nothing is
// allocated as long as nothing is logged, and nothing that goes wrong here reaches the caller.
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
  // Before there is a second thread. Throws Error(io).
  void to_file(const std::string& path);

  // Any thread.
  bool wants(Severity severity) const { return severity >= level_ && severity < Severity::off; }
  // `detail` stands behind the text; they are put together here, where a want of memory is met.
  void write(Severity severity, std::string_view text, std::string_view detail = {}) noexcept;

  // Any thread. As write(), but for each `key` at most once a minute; the next line then says how
  // many were left out. Keys are few and fixed: each is remembered.
  void write_limited(std::string_view key, Severity severity, std::string_view text,
                     std::string_view detail = {}, int64_t now_ns = monotonic_ns()) noexcept;

  // One thread, not the host's: writes to the file what waits for it. Lines that the file does not
  // take go to the host.
  void write_file() noexcept;
  // The same, as that thread's last call: from then on all lines go to the host.
  void close_file() noexcept;

  // The host's thread, inside a hook: hands over what waits. What the host throws is swallowed.
  void drain() noexcept;
  bool has_pending() const noexcept { return for_host_.pending.load(std::memory_order_relaxed); }

 private:
  class File;
  struct Line {
    Severity severity;
    std::string text;
    std::chrono::system_clock::time_point time;
  };
  struct Queue {
    std::vector<Line> lines;
    uint64_t lost = 0;                 // for want of room, since it was taken last
    std::atomic<bool> pending{false};  // whether there is anything in it
  };
  struct Limit {
    int64_t last_ns = 0;
    uint64_t left_out = 0;
  };

  void enqueue(Queue& queue, Severity severity, std::string text);
  std::vector<Line> take(Queue& queue);
  void deliver(const Line& line) noexcept;

  const HostSink host_sink_;
  const HostFilter host_enabled_;
  const Severity level_;

  std::unique_ptr<File> file_;  // set before there is a second thread, used by write_file() alone
  std::mutex mutex_;  // guards all below; never held while the host is called, or a file written
  Queue for_host_;
  Queue for_file_;
  std::map<std::string, Limit, std::less<>> limits_;
};

}  // namespace aimlog

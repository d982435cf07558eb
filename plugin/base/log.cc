#include "plugin/base/log.h"

// Header-only and without its registry, default logger and thread-locals, so that the library needs
// no libspdlog, shares nothing with a host that uses spdlog too, and can be unloaded.
#undef SPDLOG_COMPILED_LIB
#undef SPDLOG_SHARED_LIB
#define SPDLOG_HEADER_ONLY
#define SPDLOG_DISABLE_DEFAULT_LOGGER
#define SPDLOG_NO_TLS
#define SPDLOG_PREVENT_CHILD_FD
#define FMT_HEADER_ONLY
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>

#include "plugin/base/error.h"

namespace aimlog {
namespace {

spdlog::level::level_enum spdlog_level(Severity severity) {
  switch (severity) {
    case Severity::trace:
      return spdlog::level::trace;
    case Severity::debug:
      return spdlog::level::debug;
    case Severity::info:
      return spdlog::level::info;
    case Severity::warning:
      return spdlog::level::warn;
    case Severity::error:
      return spdlog::level::err;
    case Severity::off:
      break;
  }
  return spdlog::level::off;
}

}  // namespace

const char* severity_name(Severity severity) {
  constexpr const char* names[] = {"trace", "debug", "info", "warning", "error", "off"};
  const auto index = static_cast<size_t>(severity);
  return index < std::size(names) ? names[index] : "off";
}

// The sink alone, not a spdlog logger: that one reports its errors on stderr.
class Log::File {
 public:
  explicit File(const std::string& path) : sink_(path, file_bytes_max, 1) {
    sink_.set_formatter(
        std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%e%z %P %l %v"));
  }

  // False if the line is not in the file.
  bool write(const Line& line) noexcept {
    try {
      sink_.log({line.time, {}, "aimlog", spdlog_level(line.severity), line.text});
      sink_.flush();  // lines are rare, and the last one before a kill is the one that matters
      return true;
    } catch (...) {
      return false;
    }
  }

 private:
  spdlog::sinks::rotating_file_sink_st sink_;
};

Log::Log(HostSink host_sink, HostFilter host_enabled, Severity level)
    : host_sink_(std::move(host_sink)), host_enabled_(std::move(host_enabled)), level_(level) {}

Log::~Log() { write_file(); }

void Log::to_file(const std::string& path) {
  try {
    file_ = std::make_unique<File>(path);
  } catch (const spdlog::spdlog_ex& error) {
    throw Error(ErrorCode::io, "cannot write the log file " + path + ": " + error.what());
  }
}

void Log::write(Severity severity, std::string_view text, std::string_view detail) noexcept {
  if (!wants(severity)) return;
  try {
    std::string line(text);
    line += detail;
    const std::lock_guard lock(mutex_);
    enqueue(file_ != nullptr ? for_file_ : for_host_, severity, std::move(line));
  } catch (...) {
    // No memory for a line: it is lost, the host goes on.
  }
}

void Log::write_limited(std::string_view key, Severity severity, std::string_view text,
                        std::string_view detail, int64_t now_ns) noexcept {
  if (!wants(severity)) return;
  try {
    uint64_t left_out = 0;
    {
      const std::lock_guard lock(mutex_);
      const auto found = limits_.find(key);
      if (found == limits_.end()) {
        limits_.emplace(key, Limit{now_ns, 0});
      } else if (now_ns - found->second.last_ns < limit_interval_ns) {
        ++found->second.left_out;
        return;
      } else {
        left_out = found->second.left_out;
        found->second = {now_ns, 0};
      }
    }
    if (left_out == 0) return write(severity, text, detail);
    std::string more(detail);
    more += " (" + std::to_string(left_out) + " more since the last such line)";
    write(severity, text, more);
  } catch (...) {
    // As in write().
  }
}

void Log::enqueue(Queue& queue, Severity severity, std::string text) {
  if (queue.lines.size() >= queue_lines_max) {
    ++queue.lost;
    return;
  }
  queue.lines.push_back({severity, std::move(text), std::chrono::system_clock::now()});
  queue.pending.store(true, std::memory_order_relaxed);
}

std::vector<Log::Line> Log::take(Queue& queue) {
  const std::lock_guard lock(mutex_);
  if (queue.lost > 0) {
    queue.lines.push_back({Severity::warning,
                           std::to_string(queue.lost) + " more lines were left out",
                           std::chrono::system_clock::now()});
  }
  queue.lost = 0;
  queue.pending.store(false, std::memory_order_relaxed);
  return std::exchange(queue.lines, {});
}

void Log::write_file() noexcept {
  if (file_ == nullptr || !for_file_.pending.load(std::memory_order_relaxed)) return;
  try {
    for (const Line& line : take(for_file_)) {
      if (file_->write(line)) continue;
      const std::lock_guard lock(mutex_);
      enqueue(for_host_, line.severity, line.text);
    }
  } catch (...) {
    // As in write().
  }
}

void Log::close_file() noexcept {
  write_file();
  const std::lock_guard lock(mutex_);
  file_.reset();
  try {
    for (Line& line : for_file_.lines) enqueue(for_host_, line.severity, std::move(line.text));
  } catch (...) {
    // As in write().
  }
  for_file_.lines.clear();
}

void Log::drain() noexcept {
  if (!has_pending()) return;
  try {
    for (const Line& line : take(for_host_)) deliver(line);
  } catch (...) {
    // As in write().
  }
}

void Log::deliver(const Line& line) noexcept {
  try {
    if (!host_sink_) return;
    if (host_enabled_ && !host_enabled_(line.severity)) return;
    host_sink_(line.severity, line.text);
  } catch (...) {
    // What a host's log service throws is its own affair.
  }
}

}  // namespace aimlog
